"""Promise 18: no score is of half a file; scores are those of sacreBLEU's own command."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from program import Call
from proofs import Proof

WORDS = [
    "The",
    "cat",
    "cats",
    "sat",
    "sits",
    "on",
    "the",
    "mat",
    "a",
    "Ärger",
    "über",
    "日本語",
    "人",
    "🙂",
    "é",
    "e\u0301",
]
MARKS = [
    ".",
    ",",
    "!",
    "' s",
    "(",
    ")",
    "1,000.5",
    "3.14%",
    "--",
    "&quot;",
    "<b>",
    "@-@",
    "\u2028",
    "\u00a0",
    "\x85",
    "\r",
]
TOKENIZERS = ("13a", "none", "intl", "zh", "char")
SACREBLEU = """
import statistics
import numpy
from sacrebleu.sacrebleu import main

of_one_type = statistics.mean
statistics.mean = lambda scores: of_one_type(
    map(numpy.float32, scores) if any(isinstance(score, numpy.float32) for score in scores) else scores
)
main()
"""


def sentence(generator: random.Random) -> str:
    words = [generator.choice(WORDS) for _ in range(generator.choice((0, 1, 4, 8, 15)))]
    for _ in range(generator.randint(0, 4)):
        words.insert(generator.randint(0, len(words)), generator.choice(MARKS))
    return "".join(word + generator.choice((" ", " ", " ", "", "  ")) for word in words)


def reworded(text: str, generator: random.Random) -> str:
    """Much like `text`: some words left out, changed or moved."""
    words = text.split(" ")
    for _ in range(generator.randint(0, 3)):
        place = generator.randrange(len(words))
        match generator.randrange(4):
            case 0:
                words[place] = generator.choice(WORDS)
            case 1:
                words[place] = words[place].swapcase()
            case 2:
                words.insert(generator.randrange(len(words)), words[place])
            case _:
                words[place] = ""
    return " ".join(words)


def write(path: Path, lines: Sequence[str], generator: random.Random) -> Path:
    """A file of these lines, compressed or not, ended in one way or another."""
    data = generator.choice(("\n", "\n", "\r\n")).join([*lines, ""]).encode()
    if lines and lines[-1] and generator.random() < 0.3:
        data = data.rstrip(b"\r\n") or data
    if generator.random() < 0.3:
        path, data = path.with_name(f"{path.name}.gz"), gzip.compress(data)
    path.write_bytes(data)
    return path


def unequal(generator: random.Random) -> tuple[int, int]:
    one, other = generator.sample(range(40), 2)
    return one, generator.choice((other, abs(one - 1), one + 1)) if one != 0 else other


# Half a file


@pytest.fixture
def refused(call: Call, model: Path, make_configuration: Callable[..., str], tmp_path: Path) -> Callable[..., Any]:
    """Runs a command on two files that should have as many lines."""

    def run(command: str, one: Path, other: Path, generator: random.Random) -> Any:
        whole = write(tmp_path / "whole", ["ba"] * lines_in(one), generator)
        match command:
            case "eval MODEL":
                return call("eval", model, "--src", one, "--ref", *generator.sample([whole, other], 2))
            case "eval --hyp":
                return call("eval", "--hyp", one, "--ref", other)
            case "several references":
                return call("eval", "--hyp", one, "--ref", *generator.sample([whole, other, whole], 3))
            case "score" | "align":
                return call(command, model, "--src", one, "--tgt", other)
            case "compare":
                return call("compare", "--hyp", one, whole, "--ref", other)
            case "compare --src":
                return call("compare", "--hyp", whole, whole, "--ref", one, "--src", other)
            case _:
                config = tmp_path / "my.yaml"
                config.write_text(make_configuration(tmp_path))
                paths = json.dumps({"source": [str(whole), str(one)], "target": [str(whole), str(other)]})
                settings = ("--set", f"data.{command.split()[1]}={paths}")
                return call("train", config, "--output", tmp_path / "run", *settings)

    return run


def lines_in(path: Path) -> int:
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return data.count(b"\n") + (data[-1:] not in (b"", b"\n"))


@pytest.mark.promise(18, gate=3, full=15)
@pytest.mark.parametrize(
    "command",
    [
        *("eval MODEL", "eval --hyp", "several references", "score", "align"),
        *("compare", "compare --src", "train train", "train validation"),
    ],
)
def test_promise_18_files_of_unequal_length_are_refused_with_both_counts(
    command: str, proof: Proof, refused: Callable[..., Any], make_corpus: Callable[..., None], tmp_path: Path
) -> None:
    make_corpus(tmp_path)
    for _ in range(proof.count):
        counts = unequal(proof.generator)
        one, other = (
            write(tmp_path / name, [f"ba {proof.generator.choice(('', 'ce'))}"] * count, proof.generator)
            for name, count in zip(("one", "other"), counts, strict=True)
        )
        with proof.case(f"{one.name} has {counts[0]} lines, {other.name} has {counts[1]}"):
            done = refused(command, one, other, proof.generator)
            assert (done.code, done.out) == (65, b""), done.err
            told = [error for error in done.errors if str(other) in error]
            assert told, done.err
            assert all(set(counts) <= set(map(int, re.findall(r"\b\d+\b(?= |;|$)", error))) for error in told), done.err


# Whole files


def scores_of_sacrebleu(hypothesis: Path, references: Sequence[Path], *options: str) -> dict[str, Any]:
    """What sacreBLEU's own command says, by metric.

    Its `statistics.mean` is one that takes plain numbers beside those of numpy: without, the command fails where in one
    of the samples nothing matches.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SACREBLEU")}
    files = (*map(str, references), "-i", str(hypothesis))
    command = [sys.executable, "-c", SACREBLEU, *files, "-m", "bleu", "chrf", "ter", "-w", "17", *options]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    return {score["name"].lower()[:4].rstrip("2"): score for score in json.loads(done.stdout)}


def assert_same_scores(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(theirs) == {"bleu", "chrf", "ter"} <= set(ours)
    for metric, expected in theirs.items():
        assert abs(ours[metric]["score"] - expected["score"]) <= 1e-9
        assert ours[metric]["signature"] == expected["signature"]
        if "bootstrap" in ours[metric]:
            # sacreBLEU leaves out a mean that is 0, as the TER of what equals a reference is.
            mean, half = expected.get("confidence_mean", 0.0), expected.get("confidence_var", 0.0)
            assert abs(ours[metric]["bootstrap"]["mean"] - mean) <= 1e-9
            assert ours[metric]["bootstrap"]["interval"] == pytest.approx([mean - half, mean + half], abs=1e-9)


@pytest.mark.promise(18, gate=10, full=100)
def test_promise_18_scores_are_those_of_sacrebleus_command(proof: Proof, call: Call, tmp_path: Path) -> None:
    for number in range(proof.count):
        generator = proof.generator
        first = [sentence(generator) for _ in range(generator.randint(1, generator.choice((4, 60))))]
        versions = [[reworded(line, generator) for line in first] for _ in range(generator.randint(1, 3))]
        hypothesis = write(tmp_path / "hypothesis", versions[0], generator)
        references = [
            write(tmp_path / f"reference{place}", lines, generator)
            for place, lines in enumerate([first, *versions[1:]])
        ]
        tokenizer = TOKENIZERS[number % len(TOKENIZERS)]
        ours, theirs = ["--tokenize", tokenizer], ["--tokenize", tokenizer]
        if generator.random() < 0.3:
            ours, theirs = [*ours, "--lowercase"], [*theirs, "--lowercase"]
        if generator.random() < 0.3:
            ours, theirs = [*ours, "--bootstrap", "20"], [*theirs, "--confidence", "--confidence-n", "20"]
        with proof.case(f"{len(references)} references, {theirs}: {first!r}, {versions!r}"):
            done = call("eval", "--hyp", hypothesis, "--ref", *references, "--format", "json", *ours)
            assert done.code == 0, done.err
            assert_same_scores(json.loads(done.out), scores_of_sacrebleu(hypothesis, references, *theirs))


@pytest.mark.promise(18, gate=1, full=10)
def test_promise_18_scores_of_a_model_are_those_of_its_saved_translation(
    proof: Proof, call: Call, model: Path, make_sentences: Callable[[int, int], list[str]], tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    for _ in range(proof.count):
        lines = [*make_sentences(20, proof.generator.randrange(10**6)), ""]
        source = write(tmp_path / "source", lines, proof.generator)
        translated = call("translate", model, "--input", source).lines
        reference = write(
            tmp_path / "reference", [reworded(line, proof.generator) for line in translated], proof.generator
        )
        given = ("--src", source, "--ref", reference, "--format", "json", "--save-output", saved)
        with proof.case(repr(lines)):
            done = call("eval", model, *given)
            assert done.code == 0, done.err
            ours = json.loads(done.out)
            assert (ours["sentences"], ours["chrf"]["score"] > 0) == (len(lines), True)
            assert_same_scores(ours, scores_of_sacrebleu(saved, [reference]))
