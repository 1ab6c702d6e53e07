"""Promise 13: as many lines out as in, in their order, whatever they hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hostile_text import BREAKS, breaks_in, hostile_text, lines_of
from nmt.translation.translator import Translator
from program import Call
from proofs import Proof

AT_ONCE = 5000
"""Lines of one run: more than a command reads at once (2048), and more bytes than a block of input has."""
ALONE = 50
"""One line in so many is also translated alone, to see that the answer belongs to it."""
SHORT = ("--max-length", "12")


@pytest.fixture(scope="module")
def speaker(learned: Path) -> Translator:
    return Translator.load(learned)


def texts(proof: Proof) -> Iterator[bytes]:
    """As many lines as the proof wants, in texts of at most `AT_ONCE`: of valid UTF-8 and of invalid, in turns."""
    size = min(AT_ONCE, proof.count // 2)
    for number, start in enumerate(range(0, proof.count, size)):
        yield hostile_text(proof.generator, min(size, proof.count - start), valid=number % 2 == 0)


def answers(shape: str, lines: list[str], sources: list[str]) -> list[str]:
    """The translations that an output holds, each at the place of its source line."""
    if shape == "text":
        return lines
    if shape == "json":
        objects = [json.loads(line) for line in lines]
        assert [value["source"] for value in objects] == sources
        return [value["translation"] for value in objects]
    rows = [line.split(" ||| ") for line in lines]
    assert [row[0] for row in rows] == [str(number // 2) for number in range(2 * len(sources))]
    return [line.partition(" ||| ")[2].rpartition(" ||| ")[0] for line in lines[::2]]


@pytest.mark.promise(13, gate=500, full=34_000)
@pytest.mark.parametrize("shape", ["text", "json", "moses"])
def test_promise_13_a_translation_has_the_lines_of_its_input(
    shape: str, proof: Proof, call: Call, learned: Path, speaker: Translator, tmp_path: Path
) -> None:
    n_best = 2 if shape == "moses" else 1
    search = speaker.options(n_best=n_best, beam_size=n_best, max_length=12)
    for data in texts(proof):
        sources = lines_of(data)
        (tmp_path / "text").write_bytes(data)
        given = ("--input", tmp_path / "text", "--format", shape, "--n-best", n_best, "--beam-size", n_best, *SHORT)
        with proof.case(f"{len(sources)} lines, the first of {data[:80]!r}"):
            done = call("translate", learned, *given)
            assert done.code == 0, done.err
            assert len(done.lines) == n_best * len(sources)
            assert breaks_in(done.lines) == []
            found = answers(shape, done.lines, sources)
            assert len(set(found)) > len(found) / 8  # or a line could not be told from another
            for place in proof.generator.sample(range(len(sources)), -(-len(sources) // ALONE)):
                assert found[place] == speaker.translate([sources[place]], search)[0].text, sources[place]
            proof.counted(len(sources) - 1)


@pytest.fixture(scope="module")
def speller(call: Call, make_configuration: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose vocabulary has all line breaks, by themselves or as bytes."""
    folder = tmp_path_factory.mktemp("speller")
    for name in ("train", "validation"):
        for side in ("xx", "yy"):
            lines = "".join(f"ba{BREAKS[1:]}ce {character} di\n" for character in BREAKS[1:])
            (folder / f"{name}.{side}").write_text(lines, encoding="utf-8", newline="")
    (folder / "my.yaml").write_text(make_configuration(folder))
    settings = ("tokenizer.normalization=identity", "training.max_steps=1")
    options = (word for setting in settings for word in ("--set", setting))
    done = call("train", folder / "my.yaml", "--output", folder / "run", *options)
    assert done.code == 0, done.err
    return folder / "run"


@pytest.mark.promise(13, gate=300, full=10_000)
@pytest.mark.parametrize("shape", ["text", "json", "moses"])
def test_promise_13_line_breaks_that_a_model_spells_are_spaces(
    shape: str, proof: Proof, call: Call, speller: Path
) -> None:
    """At such a temperature a model draws any of its tokens, and thus all line breaks."""
    for data in texts(proof):
        sources = lines_of(data)
        options = ("--sample", "--temperature", "100", "--seed", proof.generator.randrange(1000), *SHORT)
        with proof.case(f"{len(sources)} lines, the first of {data[:80]!r}, {options}"):
            done = call("translate", speller, "--format", shape, *options, stdin=data)
            assert done.code == 0, done.err
            assert len(done.lines) == len(sources)
            assert breaks_in(done.lines) == []
            if shape == "json":
                found = [json.loads(line)["hypotheses"] for line in done.lines]
                drawn = {token for hypotheses in found for one in hypotheses for token in one["tokens"]}
                assert "<0x0A>" in drawn and set("".join(drawn)) >= set(BREAKS[1:])
            proof.counted(len(sources) - 1)


@pytest.mark.promise(13, gate=300, full=10_000)
@pytest.mark.parametrize("command", ["score", "align"])
def test_promise_13_pairs_have_a_line_each(
    command: str, proof: Proof, call: Call, learned: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / "source", tmp_path / "target"]
    for data in texts(proof):
        both = [data, hostile_text(proof.generator, len(lines_of(data)), valid=proof.generator.random() < 0.5)]
        for path, side in zip(paths, both, strict=True):
            path.write_bytes(side)
        sources, targets = map(lines_of, both)
        given = (command, learned, "--src", paths[0], "--tgt", paths[1])
        with proof.case(f"{len(sources)} pairs, the first of {data[:80]!r}"):
            text, objects = call(*given), call(*given, "--format", "json")
            assert text.code == objects.code == 0, text.err + objects.err
            assert len(text.lines) == len(objects.lines) == len(sources)
            assert breaks_in(text.lines) == breaks_in(objects.lines) == []
            found = [json.loads(line) for line in objects.lines]
            assert [value["source"] for value in found] == sources
            assert [value["target"] for value in found] == targets
            for line, value in zip(text.lines, found, strict=True):
                if command == "score":
                    assert float(line) == pytest.approx(value["log_probability"], abs=1e-6)
                else:
                    assert line.split() == [f"{source}-{target}" for source, target in value["alignment"]]
            proof.counted(len(sources) - 1)


@pytest.mark.promise(13, gate=300, full=10_000)
def test_promise_13_a_saved_translation_has_the_lines_of_its_source(
    proof: Proof, call: Call, learned: Path, tmp_path: Path
) -> None:
    source, reference, saved = (tmp_path / name for name in ("source", "reference", "saved"))
    for data in texts(proof):
        count = len(lines_of(data))
        source.write_bytes(data)
        reference.write_bytes(b"BA CE\n" * count)
        given = ("--src", source, "--ref", reference, "--metric", "chrf", "--format", "json", "--save-output", saved)
        with proof.case(f"{count} lines, the first of {data[:80]!r}"):
            done = call("eval", learned, *given, *SHORT)
            assert done.code == 0, done.err
            assert json.loads(done.out)["sentences"] == count
            assert saved.read_bytes() == call("translate", learned, "--input", source, *SHORT).out
            assert len(saved.read_bytes().decode().split("\n")) == count + 1
            proof.counted(count - 1)
