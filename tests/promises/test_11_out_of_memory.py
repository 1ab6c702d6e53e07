"""Promise 11: out of memory is loud in training and survived in translation, under a real limit on address space."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forked import Forker
from nmt.checkpoint.manifest import verify
from program import configuration_text, sentences, write_corpus
from proofs import Proof
from runs import contents, litter

MEBIBYTE = 1 << 20
AT_ONCE = ("--batch-tokens", 1 << 20, "--verbose")
# Of the commands whose batches are halved: how many lines they are given, of how many sentences each, and options. The
# scores of 300 pieces for each word of all lines together take 24 MB and more.
COMMANDS = {
    "translate": (500, 1, ["--beam-size", "40"]),
    "score": (500, 8, ["--src", "-", "--tgt", "TARGET"]),
    "align": (500, 8, ["--src", "-", "--tgt", "TARGET"]),
}


def joined(count: int, length: int, seed: int) -> list[str]:
    """Lines of several sentences each."""
    some = sentences(count * length, seed)
    return [" ".join(some[start : start + length]) for start in range(0, len(some), length)]


def same(command: str, answers: list[str], expected: list[str]) -> bool:
    """Whether the answers are the same; as numbers, within what a sum may lose on the way."""
    if command == "score":
        return [float(answer) for answer in answers] == pytest.approx([float(answer) for answer in expected], rel=1e-5)
    return answers == expected


@pytest.mark.parametrize("command", ["translate", "score", pytest.param("align", marks=pytest.mark.slow)])
@pytest.mark.promise(11, gate=1, full=10)
def test_promise_11_where_memory_is_scarce_batches_are_halved_and_nothing_else_changes(
    command: str, proof: Proof, forked: Forker, model: Path, tmp_path: Path
) -> None:
    count, length, options = COMMANDS[command]
    (tmp_path / "target").write_text("".join(f"{line.upper()}\n" for line in joined(count, length, 10)))
    lines = "".join(f"{line}\n" for line in joined(count, length, 9)).encode()
    arguments = [command, model, *({"TARGET": tmp_path / "target"}.get(word, word) for word in options), *AT_ONCE]
    expected = forked(*arguments, stdin=lines, memory=None)
    assert expected.code == 0 and "halved" not in expected.err and len(expected.lines) == count
    for _ in range(proof.count):
        limit = proof.generator.randrange(6 * MEBIBYTE, 16 * MEBIBYTE)
        done = forked(*arguments, stdin=lines, memory=limit, timeout=600)
        with proof.case(f"{limit:,} bytes"):
            assert done.code == 0, done.err
            assert f"out of memory in a batch of {count}, which is halved" in done.err
            assert same(command, done.lines, expected.lines)


OPTIONS = [
    *("--set", "training={batch_tokens: 65536, validate_every: 1000}"),
    *("--set", "model={embedding_size: 64, readout_size: 64, encoder: {hidden_size: 32}, decoder: {hidden_size: 64}}"),
]
SHAPE = r"in a batch of \d+ sentences of up to \d+ source and \d+ target tokens"
ADVICE = r"; lower it from 65536, or raise training\.accumulation"


@pytest.mark.promise(11, gate=2, full=20)
def test_promise_11_training_tells_the_batch_that_was_too_large_and_what_to_lower(
    proof: Proof, forked: Forker, tmp_path: Path
) -> None:
    write_corpus(tmp_path / "data", training_pairs=1500)
    (tmp_path / "config.yaml").write_text(configuration_text(tmp_path / "data"))
    arguments = ["train", tmp_path / "config.yaml", "--output", tmp_path / "run", *OPTIONS]
    assert forked(*arguments, "--set", "training.max_steps=1", memory=None, timeout=600).code == 0
    checkpoint = tmp_path / "run" / "checkpoints" / "step-00000001"
    before = contents(checkpoint)
    for _ in range(proof.count):
        limit = proof.generator.randrange(8 * MEBIBYTE, 300 * MEBIBYTE)
        done = forked(*arguments, "--set", "training.max_steps=3", memory=limit, timeout=600)
        with proof.case(f"{limit:,} bytes"):
            assert done.code == 7, done.err
            [error] = done.errors
            # Where not even the batch itself finds room, its shape is not known.
            place = SHAPE if limit > 128 * MEBIBYTE else f"({SHAPE}|at step 2)"
            assert re.fullmatch(rf"nmt: error: training\.batch_tokens: out of memory {place}{ADVICE}", error), error
            assert contents(checkpoint) == before and verify(checkpoint) == []
            assert litter(tmp_path / "run") == []
