"""Promise 17: neighbours and the size of a batch change no text, and no score by more than 1e-5 a token."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from hostile_text import hostile_line
from nmt.search.options import SamplingOptions
from nmt.translation.forced_decoding import ForcedPair, force_decode
from nmt.translation.glossary import Glossary
from nmt.translation.result import Translation
from nmt.translation.translator import Translator
from program import LEARNING, Call
from proofs import Proof

SIZES = (1, 7, 64)
CLOSE = 1e-5

VARIANTS = {
    "general, two layers": ("general", "{encoder: {layers: 2}, decoder: {layers: 2}}"),
    "dot, layer normalization": ("dot", "{layer_norm: true}"),
    "none": ("none", "{}"),
    "conditional": ("additive", "{decoder: {conditional: true}}"),
}
LONGER = "training={max_steps: 300, max_epochs: null, validate_every: 300}"
"""Some of the variants learn more slowly."""

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def run(request: pytest.FixtureRequest, learned: Path, call: Call, configuration: Path, tmp_path_factory: Any) -> Path:
    """A model that has learned something: the usual one, or a variant of it."""
    if request.param == "additive":
        return learned
    attention, model = VARIANTS[request.param]
    directory: Path = tmp_path_factory.mktemp("runs") / "variant"
    settings = (*LEARNING, LONGER, f"model.attention={attention}", f"model={model}")
    done = call("train", configuration, "--output", directory, *(word for key in settings for word in ("--set", key)))
    assert done.code == 0, done.err
    return directory


each_variant = pytest.mark.parametrize(
    "run", ["additive", *(pytest.param(name, marks=pytest.mark.slow) for name in VARIANTS)], indirect=True
)


def some_lines(proof: Proof, make_sentences: Callable[[int, int], list[str]], count: int) -> list[str]:
    """Sentences of many lengths, a tenth of them strange, some blank."""
    strange = [hostile_line(proof.generator).decode(errors="replace") for _ in range(count // 10)]
    return [*make_sentences(count - len(strange), proof.generator.randrange(10**6)), *strange]


def in_batches(
    items: Sequence[Any], size: int, generator: random.Random, work: Callable[[list[Any]], list[Answer]]
) -> list[Answer]:
    """What `work` makes of shuffled batches, back in the order of the items."""
    places = generator.sample(range(len(items)), len(items))
    found: dict[int, Answer] = {}
    for start in range(0, len(places), size):
        some = places[start : start + size]
        found |= zip(some, work([items[place] for place in some]), strict=True)
    return [found[place] for place in range(len(items))]


def assert_same_translation(found: Translation, expected: Translation) -> None:
    assert len(found.outputs) == len(expected.outputs)
    for ours, theirs in zip(found.outputs, expected.outputs, strict=True):
        assert (ours.text, ours.tokens) == (theirs.text, theirs.tokens)
        assert abs(ours.log_probability - theirs.log_probability) <= CLOSE * (len(ours.tokens) + 1)
        for part, other in zip(ours.segments or (), theirs.segments or (), strict=True):
            assert np.abs(part.weights - other.weights).max(initial=0) <= CLOSE


def assert_same_pair(found: ForcedPair, expected: ForcedPair) -> None:
    assert found.tokens == expected.tokens
    assert found.scores is not None and expected.scores is not None
    ours, theirs = found.scores.log_probabilities, expected.scores.log_probabilities
    assert abs(ours.sum() - theirs.sum()) <= CLOSE * len(theirs)
    # A single token that is most improbable has no more digits than float32 has.
    assert (np.abs(ours - theirs) <= CLOSE * np.maximum(1, -theirs)).all()
    if expected.scores.attention is not None:
        assert found.scores.attention is not None
        assert np.abs(found.scores.attention - expected.scores.attention).max() <= CLOSE


@pytest.mark.promise(17, gate=60, full=1500)
@each_variant
def test_promise_17_batches_change_no_translation(
    run: Path, proof: Proof, make_sentences: Callable[[int, int], list[str]]
) -> None:
    lines = some_lines(proof, make_sentences, proof.count // len(SIZES))
    assert_batches_change_nothing(lines, proof, lambda: Translator.load(run))


@pytest.mark.promise(17, gate=30, full=1500)
@pytest.mark.parametrize("average", ["probabilities", "log-probabilities"])
def test_promise_17_batches_change_no_translation_of_an_ensemble(
    average: Any,
    learned: Path,
    call: Call,
    configuration: Path,
    tmp_path: Path,
    proof: Proof,
    make_sentences: Callable[[int, int], list[str]],
) -> None:
    settings = f"training.initialize_from={learned}", "training.max_steps=20", "seed=2"
    other = tmp_path / "other"
    done = call("train", configuration, "--output", other, *(word for key in settings for word in ("--set", key)))
    assert done.code == 0, done.err
    lines = some_lines(proof, make_sentences, proof.count // len(SIZES))
    how = {"ensemble": [other], "ensemble_average": average}
    assert_batches_change_nothing(lines, proof, lambda: Translator.load(learned, **how))


def assert_batches_change_nothing(lines: list[str], proof: Proof, load: Callable[[], Translator]) -> None:
    options: dict[str, Any] = {"beam_size": 4, "n_best": 2, "attention": True, "batch_tokens": 1 << 20}
    whole = load()
    expected = whole.translate(lines, whole.options(**options))
    assert len({translation.text for translation in expected}) > len(lines) / 2
    for size in SIZES:
        translator = load()  # each its own: what one has kept must not help the next

        def translate(some: list[str], by: Translator = translator) -> list[Translation]:
            return by.translate(some, by.options(**options))

        found = in_batches(lines, size, proof.generator, translate)
        for line, ours, theirs in zip(lines, found, expected, strict=True):
            with proof.case(f"batches of {size}: {line!r}"):
                assert_same_translation(ours, theirs)


CHOICES: dict[str, dict[str, Any]] = {
    "groups": {"diverse": 2},
    "of the beam": {"mbr": 8},
    "of samples": {"mbr": 8, "mbr_metric": "bleu", "sampling": SamplingOptions(seed=1)},
}


@pytest.mark.promise(17, gate=30, full=600)
@pytest.mark.parametrize("choice", CHOICES)
def test_promise_17_batches_change_no_choice_among_candidates(
    learned: Path, choice: str, proof: Proof, make_sentences: Callable[[int, int], list[str]]
) -> None:
    lines = some_lines(proof, make_sentences, proof.count // len(SIZES))
    translator = Translator.load(learned)
    options = translator.options(n_best=2, beam_size=4, batch_tokens=1 << 20, **CHOICES[choice])
    numbered = list(enumerate(lines, start=1))

    def translate(some: list[tuple[int, str]]) -> list[Translation]:
        return translator.translate([line for _, line in some], options, numbers=[number for number, _ in some])

    expected = translate(numbered)
    for size in SIZES:
        found = in_batches(numbered, size, proof.generator, translate)
        for line, ours, theirs in zip(lines, found, expected, strict=True):
            with proof.case(f"batches of {size}: {line!r}"):
                assert_same_translation(ours, theirs)
                for one, other in zip(ours.outputs, theirs.outputs, strict=True):
                    assert abs((one.utility or 0.0) - (other.utility or 0.0)) <= 1e-3


@pytest.mark.promise(17, gate=30, full=600)
def test_promise_17_batches_change_no_translation_with_terms_of_a_glossary(
    learned: Path, proof: Proof, make_sentences: Callable[[int, int], list[str]]
) -> None:
    lines = some_lines(proof, make_sentences, proof.count // len(SIZES))
    words = sorted({word for line in lines[: len(lines) // 2] for word in line.split() if word.isalpha()})
    some = proof.generator.sample(words, max(2, len(words) // 4))
    glossary = Glossary.from_terms((word, [other.upper(), "SO SO"]) for word, other in pairwise(some))
    translator = Translator.load(learned)
    options = translator.options(n_best=2, beam_size=4, batch_tokens=1 << 20, glossary=glossary)
    expected = translator.translate(lines, options)
    terms = [one.outputs[0].annotations.terms or () for one in expected if one.outputs]
    assert any(terms) and not all(terms)
    for size in SIZES:
        found = in_batches(lines, size, proof.generator, lambda some: translator.translate(some, options))
        for line, ours, theirs in zip(lines, found, expected, strict=True):
            with proof.case(f"batches of {size}: {line!r}"):
                assert_same_translation(ours, theirs)
                assert [one.annotations for one in ours.outputs] == [one.annotations for one in theirs.outputs]


@pytest.mark.promise(17, gate=60, full=1500)
@each_variant
def test_promise_17_batches_change_no_score_of_a_given_pair(
    run: Path, proof: Proof, make_sentences: Callable[[int, int], list[str]]
) -> None:
    count = proof.count // len(SIZES)
    sources, targets = (some_lines(proof, make_sentences, count) for _ in range(2))
    pairs = list(zip(sources, map(str.upper, targets), strict=True))
    translator = Translator.load(run)

    def read(some: list[tuple[str, str]]) -> list[ForcedPair]:
        return list(force_decode(translator, some, attention=True, batch_tokens=1 << 20))

    expected = read(pairs)
    for size in SIZES:
        for pair, ours, theirs in zip(pairs, in_batches(pairs, size, proof.generator, read), expected, strict=True):
            with proof.case(f"batches of {size}: {pair}"):
                assert_same_pair(ours, theirs)


def rounded(value: Any) -> Any:
    """A value of JSON with its numbers as `pytest.approx` compares them."""
    if isinstance(value, float):
        return pytest.approx(value, abs=2 * CLOSE)  # written with few digits
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    return [rounded(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.promise(17, gate=30, full=1000)
@pytest.mark.parametrize("command", ["translate", "score", "align"])
def test_promise_17_commands_write_the_same_whatever_is_computed_at_once(
    command: str,
    proof: Proof,
    call: Call,
    learned: Path,
    make_sentences: Callable[[int, int], list[str]],
    tmp_path: Path,
) -> None:
    lines = some_lines(proof, make_sentences, proof.count // 2)
    source, target = tmp_path / "source", tmp_path / "target"

    def answers(order: list[int], batch_tokens: int) -> dict[int, Any]:
        for path, side in ((source, lines), (target, list(map(str.upper, lines)))):
            path.write_text("".join(f"{side[place]}\n" for place in order), encoding="utf-8", newline="")
        files = ("--input", source) if command == "translate" else ("--src", source, "--tgt", target)
        soft = () if command == "score" else ("--alignment", "soft")
        done = call(command, learned, *files, "--format", "json", *soft, "--batch-tokens", batch_tokens)
        assert done.code == 0, done.err
        return dict(zip(order, map(json.loads, done.lines), strict=True))

    expected = answers(list(range(len(lines))), 4096)
    for batch_tokens in (1, proof.generator.randrange(20, 200)):
        found = answers(proof.generator.sample(range(len(lines)), len(lines)), batch_tokens)
        for place, line in enumerate(lines):
            with proof.case(f"--batch-tokens {batch_tokens}: {line!r}"):
                assert found[place] == rounded(expected[place])
