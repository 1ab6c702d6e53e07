"""Promise 7: each damage to a checkpoint is found and its file named, and the checkpoint before it is used instead."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from nmt.checkpoint.layout import TRAINING_FILES

PARTS = 2
LINES = b"ba ce di\nfo\n"


@pytest.fixture(scope="module")
def trained(call, configuration, tmp_path_factory):
    """A finished run whose best and last checkpoint has two others before it."""
    run = tmp_path_factory.mktemp("trained") / "run"
    settings = ["validate_every=10", "early_stopping_metric=perplexity", "learning_rate=0.01"]
    done = call("train", configuration, "--output", run, *(f"--set=training.{setting}" for setting in settings))
    assert done.code == 0, done.err
    assert (run / "best").read_text() == (run / "last").read_text() == "step-00000030\n"
    return run, [f"--set=training.{setting}" for setting in settings[1:]]


def damage(data: bytes, generator: random.Random) -> tuple[bytes, str]:
    place = generator.randrange(len(data))
    if generator.random() < 0.5:
        return data[:place], f"cut at {place}"
    flipped = bytearray(data)
    flipped[place] ^= 1 << generator.randrange(8)
    return bytes(flipped), f"a bit flipped at {place}"


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.promise(7, gate=4, full=500)
def test_promise_07_damage_is_seen(part, proof, forked, trained, configuration, tmp_path):
    finished, settings = trained
    run = shutil.copytree(finished, tmp_path / "run")
    last, before = (run / "checkpoints" / f"step-000000{step}" for step in (30, 20))
    translations = {path: forked("translate", path, "--format=json", stdin=LINES).out for path in (last, before)}
    assert translations[last] != translations[before]
    # A limit that was reached already: training looks for its checkpoint, and says that there is no more to do.
    resume = ["train", configuration, "--output", run, *settings, "--set=training.max_steps=20"]
    for number in range(proof.count):
        path = proof.generator.choice(sorted(last.iterdir()))
        whole = path.read_bytes()
        damaged, what = damage(whole, proof.generator)
        path.write_bytes(damaged)
        with proof.case(f"{part}.{number}"):
            told = f"{path.name}: {what}"
            looked = forked("info", "--verify", run)
            assert looked.code == 4 and len(looked.errors) == 1, f"{told}: {looked}"
            assert looked.errors[0].startswith(f"nmt: error: {path}: "), f"{told}: {looked}"

            resumed = forked(*resume)
            assert resumed.code == 0 and "finished already: max_steps 20 reached" in resumed.err, f"{told}: {resumed}"
            assert_warned(resumed.err, path, before, told)

            translated = forked("translate", run, "--format=json", stdin=LINES)
            assert translated.code == 0, f"{told}: {translated}"
            needed = path.name not in TRAINING_FILES
            assert_translated_alike(translated.out, translations[before if needed else last], f"{told}: {translated}")
            if needed:
                assert_warned(translated.err, path, before, told)
            else:
                assert translated.err == "", f"{told}: {translated}"
        path.write_bytes(whole)


def assert_translated_alike(found: bytes, expected: bytes, told: str) -> None:
    """The same but for the last digits of scores, which differ with and without torch."""
    for ours, theirs in zip(found.splitlines(), expected.splitlines(), strict=True):
        one, other = json.loads(ours), json.loads(theirs)
        scores = [each.pop("score") for each in (*one["hypotheses"], one, *other["hypotheses"], other)]
        half = len(scores) // 2
        assert one == other, told
        assert scores[:half] == pytest.approx(scores[half:], abs=1e-5), told


def assert_warned(err: str, path: Path, instead: Path, told: str) -> None:
    """One warning, which names the file and what is used in its place."""
    warnings = [line for line in err.splitlines() if line.startswith("nmt: warning: ")]
    assert len(warnings) == 1, f"{told}: {err}"
    assert warnings[0].startswith(f"nmt: warning: {path}: "), f"{told}: {err}"
    assert warnings[0].endswith(f"; using {instead} instead"), f"{told}: {err}"


@pytest.mark.promise(7, gate=1, full=12)
def test_promise_07_training_goes_on_from_the_checkpoint_before(proof, forked, trained, configuration, tmp_path):
    finished, settings = trained
    expected = {path.name: path.read_bytes() for path in (finished / "checkpoints" / "step-00000030").iterdir()}
    names = sorted(expected)
    for number in range(proof.count):
        run = shutil.copytree(finished, tmp_path / f"run-{number}")
        last = run / "checkpoints" / "step-00000030"
        path = last / names[(number + proof.generator.randrange(len(names))) % len(names)]
        damaged, what = damage(path.read_bytes(), proof.generator)
        path.write_bytes(damaged)
        with proof.case(f"{path.name}: {what}"):
            done = forked("train", configuration, "--output", run, *settings, "--set=training.validate_every=10")
            assert done.code == 0 and "going on from step 20" in done.err, done
            assert_warned(done.err, path, last.with_name("step-00000020"), what)
            found = {path.name: path.read_bytes() for path in last.iterdir()}
            for name in names:
                # Of the time that a training took, each has its own.
                assert found[name] == expected[name] or name in ("state.json", "manifest.json"), name
            assert forked("info", "--verify", run).code == 0
