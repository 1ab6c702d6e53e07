"""`nmt info --verify`: whatever is damaged, by name, without torch, in little memory, and beside a training."""

import json
import os
import shutil
import struct

import pytest
import torch

import nmt.checkpoint.verify
from nmt.checkpoint.layout import CONFIG, MANIFEST, OPTIMIZER, SHARED_TOKENIZER, STATE, WEIGHTS
from nmt.checkpoint.run_directory import set_pointer
from nmt.checkpoint.tensors import encode_tensors
from nmt.io.atomic_files import remove
from sealing import put, reseal

FILES = sorted([CONFIG, MANIFEST, OPTIMIZER, SHARED_TOKENIZER, STATE, WEIGHTS])


@pytest.fixture
def run(model, tmp_path):
    """A copy of the finished run, to be written to."""
    return shutil.copytree(model, tmp_path / "run")


@pytest.fixture
def checkpoint(run):
    return run / "checkpoints" / (run / "best").read_text().strip()


def test_a_sound_run_is_told_part_by_part(call, run, checkpoint):
    done = call("info", "--verify", run)
    assert (done.code, done.err) == (0, "")
    parts = [checkpoint, run / "best", run / "last", run / CONFIG, run / "tokenizer"]
    assert done.lines == [f"{part}: sound" for part in parts]
    done = call("info", "--verify", run, "--format", "json")
    found = json.loads(done.out)
    assert done.code == 0 and found["directory"] == str(run) and found["sound"] is True
    assert [(part["path"], part["sound"], part["problems"]) for part in found["parts"]] == [
        (str(part), True, []) for part in parts
    ]
    assert [part["kind"] for part in found["parts"]] == ["checkpoint", "mark", "mark", "configuration", "tokenizer"]
    assert found["parts"][0]["files"] == FILES


def test_a_checkpoint_and_an_exported_model_are_models(call, checkpoint, tmp_path):
    exported = tmp_path / "exported"
    assert call("export", checkpoint, exported).code == 0
    for directory in (checkpoint, exported):
        done = call("info", "--verify", directory)
        assert (done.code, done.lines, done.err) == (0, [f"{directory}: sound"], "")


def test_everything_that_is_damaged_is_named_at_once(call, run, checkpoint):
    (checkpoint / OPTIMIZER).unlink()
    (checkpoint / "notes.txt").touch()
    os.truncate(checkpoint / WEIGHTS, 100)
    other = shutil.copytree(checkpoint, checkpoint.with_name("step-00000016"))
    (other / MANIFEST).write_text("{}")
    (run / "last").write_text("step-00000099\n")
    (run / "best").write_text("../..\n")
    (run / CONFIG).write_text("name: [\n")
    (run / "tokenizer" / SHARED_TOKENIZER).write_bytes(b"damage")
    done = call("info", "--verify", run)
    assert done.code == 4
    missing = run / "checkpoints" / "step-00000099"
    named = [checkpoint / name for name in sorted([OPTIMIZER, WEIGHTS, "notes.txt"])]
    named += [other / MANIFEST, run / "best", missing, f"{run / CONFIG}:2", run / "tokenizer" / SHARED_TOKENIZER]
    assert [error.removeprefix("nmt: error: ").partition(": ")[0] for error in done.errors] == list(map(str, named))
    assert done.lines[0] == f"{checkpoint}: damaged, but for config.yaml, manifest.json, shared.model, state.json"
    assert done.lines[1] == f"{other}: damaged"
    assert not any(line.endswith("sound") for line in done.lines)
    found = json.loads(call("info", "--verify", run, "--format", "json").out)
    assert found["sound"] is False
    assert [problem["where"] for part in found["parts"] for problem in part["problems"]] == list(map(str, named))


@pytest.mark.parametrize("name", FILES)
def test_what_does_not_hinder_translation_is_told(name, call, run, checkpoint):
    data = bytearray((checkpoint / name).read_bytes())
    data[len(data) // 2] ^= 1
    (checkpoint / name).write_bytes(data)
    done = call("info", "--verify", run)
    assert done.code == 4 and len(done.errors) == 1 and f"{checkpoint / name}: " in done.errors[0]
    assert done.lines[0].endswith("; good enough to translate with") == (name in (OPTIMIZER, STATE))


def tensors(numbers):
    return encode_tensors({"weight": torch.as_tensor(numbers)})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (WEIGHTS, tensors([1.0, float("nan")]), "weight holds NaN or an infinity"),
        (OPTIMIZER, tensors([float("inf")]), "weight holds NaN or an infinity"),
        (WEIGHTS, b"\0" * 100, "not valid JSON"),
        (OPTIMIZER, struct.pack("<Q", 1 << 40), "its header has"),
        (CONFIG, b"name: mine\n", "data: missing"),
        (CONFIG, b"\xff", "is not UTF-8"),
        (STATE, b'{"step": 5}', "not the state of a training of this version"),
        (STATE, b"[", "not valid JSON"),
        (SHARED_TOKENIZER, b"pieces", "is not a SentencePiece model"),
    ],
    ids=range(9),
)
def test_what_is_whole_and_cannot_be_used_is_named(name, content, reason, call, run, checkpoint):
    put(checkpoint, name, content)
    done = call("info", "--verify", run)
    assert done.code == 4, done
    assert all(str(checkpoint / name) in error for error in done.errors)
    assert any(reason in error for error in done.errors), done


def test_a_checkpoint_that_training_cannot_go_on_from_is_damaged(call, run, checkpoint):
    for name in (OPTIMIZER, STATE):
        (checkpoint / name).unlink()
        reseal(checkpoint, lambda document: document["files"].pop(name))  # noqa: B023
    done = call("info", "--verify", run)
    assert done.code == 4 and len(done.errors) == 2 and "training cannot go on without it" in done.err
    assert call("info", "--verify", checkpoint).code == 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "No such file or directory"),
        ("file", "not a directory"),
        ("empty", "holds neither manifest.json nor checkpoints"),
        ("run", "this run has saved no checkpoint"),
    ],
)
def test_what_is_no_model_is_4(name, reason, call, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    done = call("info", "--verify", tmp_path / name)
    assert (done.code, done.out) == (4, b"") and f"{tmp_path / name}: " in done.err and reason in done.err


def test_a_model_without_its_manifest_is_told_so(call, checkpoint):
    (checkpoint / MANIFEST).unlink()
    for command in (["info", "--verify"], ["translate"]):
        done = call(*command, checkpoint, stdin=b"ba\n")
        assert done.code == 4
        assert done.errors == [f"nmt: error: {checkpoint / MANIFEST}: cannot be read: No such file or directory"]


def test_it_needs_no_torch(process, run, user_environment):
    done = process("info", "--verify", run, env=user_environment(PYTHONPROFILEIMPORTTIME="1"))
    modules = {line.rpartition("|")[2].strip() for line in done.err.splitlines() if line.startswith("import time:")}
    assert done.code == 0 and "nmt.checkpoint.verify" in modules and "torch" not in modules


def test_memory_does_not_grow_with_the_files(forked, checkpoint):
    put(checkpoint, OPTIMIZER, tensors(torch.zeros(25_000_000)))
    done = forked("info", "--verify", checkpoint, memory=50_000_000)
    assert (done.code, done.err) == (0, "") and done.memory < 50_000_000


def test_what_a_training_removes_or_replaces_meanwhile_is_no_damage(run, checkpoint, monkeypatch):
    other = shutil.copytree(checkpoint, checkpoint.with_name("step-00000014"))
    verify = nmt.checkpoint.verify.verify
    looked_at = []

    def verify_slowly(directory, **options):
        looked_at.append(directory.name)
        if looked_at == [other.name]:
            remove(other)
        elif looked_at == [other.name, checkpoint.name]:
            replacement = shutil.copytree(checkpoint, run / "new")
            put(replacement, CONFIG, (replacement / CONFIG).read_bytes() + b"\n")
            checkpoint.rename(run / "old")
            replacement.rename(checkpoint)
        return verify(directory, **options)

    monkeypatch.setattr(nmt.checkpoint.verify, "verify", verify_slowly)
    parts = list(nmt.checkpoint.verify.verify_model(run))
    assert looked_at == [other.name, checkpoint.name, checkpoint.name]
    assert [part.path for part in parts][:2] == [checkpoint, run / "best"]
    assert not any(part.problems for part in parts)


def test_a_run_whose_checkpoints_were_all_replaced_meanwhile_is_whole(run, checkpoint, monkeypatch):
    later = checkpoint.with_name("step-00000099")
    verify = nmt.checkpoint.verify.verify

    def verify_late(directory, **options):
        if directory == checkpoint:
            checkpoint.rename(later)
            set_pointer(run, "best", later.name)
            set_pointer(run, "last", later.name)
        return verify(directory, **options)

    monkeypatch.setattr(nmt.checkpoint.verify, "verify", verify_late)
    parts = list(nmt.checkpoint.verify.verify_model(run))
    assert [part.path for part in parts][:3] == [later, run / "best", run / "last"]
    assert not any(part.problems for part in parts)


@pytest.mark.slow
def test_a_run_can_be_verified_while_it_is_trained(forked, start_forked, configuration, tmp_path):
    run = tmp_path / "run"
    settings = ["validate_every=1", "keep_checkpoints=1", "max_steps=20", "early_stopping_metric=perplexity"]
    command = ["train", configuration, "--output", run, *(f"--set=training.{setting}" for setting in settings)]
    verified = 0
    with start_forked(*command) as training:
        while training.poll() is None:
            if (run / "best").exists():
                done = forked("info", "--verify", run)
                assert (done.code, done.err) == (0, ""), done
                verified += 1
        assert training.returncode == 0
        training.stderr.read()
    assert verified > 1
