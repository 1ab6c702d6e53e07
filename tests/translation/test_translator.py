"""What `Translator` promises, on a model of random weights."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nmt.translation.batches
import nmt.translation.segment_search
from nmt.errors import MemoryExhaustedError, ModelError, NonFiniteError
from nmt.model.seq2seq import Seq2Seq
from nmt.search.hypothesis import Hypothesis
from nmt.search.options import SamplingOptions
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.result import Translation
from nmt.translation.segment_search import WORTH_A_TABLE
from nmt.translation.segments import joined_score
from nmt.translation.translator import Translator
from random_models import exhaust_memory, make_lines, make_model, make_tokenizer, small_config

LONG = "cat " * 60  # one word over and over: parts of the same tokens


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = make_tokenizer([*make_lines(200), "cat"])
    config = small_config(64, 64, max_length=20, search={"max_length": 12, "beam_size": 4})
    model = make_model(config, tokenizer, tokenizer)
    return Translator(model, Tokenizers(tokenizer, tokenizer), config)


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of each batch that the model is asked to encode."""
    sizes: list[int] = []
    encode = Seq2Seq.encode

    def watch(model: Seq2Seq, source: torch.Tensor, lengths: torch.Tensor) -> Any:
        sizes.append(len(source))
        return encode(model, source, lengths)

    monkeypatch.setattr(Seq2Seq, "encode", watch)
    return sizes


def assert_same(ours: Sequence[Translation], theirs: Sequence[Translation]) -> None:
    assert [translation.text for translation in ours] == [translation.text for translation in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for one, another in zip(mine.outputs, other.outputs, strict=True):
            assert one.tokens == another.tokens
            assert one.log_probability == pytest.approx(another.log_probability, abs=1e-5 * (len(one.tokens) + 1))


@pytest.mark.parametrize("count", [97, pytest.param(497, marks=pytest.mark.slow)])
def test_a_translation_does_not_depend_on_its_batch(count: int, translator: Translator) -> None:
    lines = [*make_lines(count), LONG, "", "🙂 <s>"]
    order = random.Random(1).sample(range(len(lines)), len(lines))
    options = translator.options(max_length=6)
    whole = translator.translate(lines, options)
    assert len({translation.text for translation in whole}) > len(lines) / 2
    for size in (1, 7, 64):
        for start in range(0, len(lines), size):
            places = order[start : start + size]
            found = translator.translate([lines[place] for place in places], options)
            assert_same(found, [whole[place] for place in places])


def test_the_table_of_words_is_made_when_it_pays_also_for_lines_one_by_one(translator: Translator) -> None:
    fresh, made = Translator(translator.model, translator.tokenizers, translator.config), []
    for line in make_lines(WORTH_A_TABLE):
        assert_same(fresh.translate([line]), translator.translate([line]))
        made.append(fresh._search._word_gates is not None)
    assert made == [False] * (WORTH_A_TABLE - 1) + [True]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
    ],
    ids=["python", "cuda", "cpu"],
)
@pytest.mark.parametrize("sampling", [None, SamplingOptions(seed=3)], ids=["beam", "samples"])
def test_where_memory_runs_out_the_batch_is_halved(
    error: Exception, sampling: SamplingOptions | None, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [*make_lines(20), LONG]
    options = translator.options(n_best=2, sampling=sampling)
    expected = translator.translate(lines, options)
    sizes = exhaust_memory(monkeypatch, "step", 3, error)
    assert_same(translator.translate(lines, options), expected)
    assert max(sizes) > 12


@pytest.mark.parametrize(
    ("sampling", "what"), [(None, "with beam 4"), (SamplingOptions(), "with 3 samples")], ids=["beam", "samples"]
)
def test_a_sentence_too_large_for_memory_is_named(
    sampling: SamplingOptions | None, what: str, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    exhaust_memory(monkeypatch, "step", 0, MemoryError())
    options = translator.options(n_best=3, sampling=sampling)
    with pytest.raises(MemoryExhaustedError, match=f"^line 41: out of memory .* one sentence of . tokens {what}$"):
        translator.translate(["", "ba", "dila ce"], options, numbers=[40, 41, 41])


def test_other_errors_are_not_taken_for_memory(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    exhaust_memory(monkeypatch, "step", 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        translator.translate(["ba", "ce"])


def test_scores_that_are_no_numbers_name_the_line(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = Seq2Seq.encode

    def spoil(model: Seq2Seq, source: torch.Tensor, lengths: torch.Tensor) -> Any:
        memory = encode(model, source, lengths)
        return memory._replace(annotations=memory.annotations.masked_fill((source[:, :1] == ba)[..., None], math.nan))

    monkeypatch.setattr(Seq2Seq, "encode", spoil)
    [[ba]] = translator.tokenizers.source.encode(["ba"])
    lines = ["ce fo", "dila", "", "ba", "gu gu"]
    with pytest.raises(NonFiniteError, match=r"^line 4: the model's scores are not finite"):
        translator.translate(lines)
    monkeypatch.setattr(translator, "directories", (Path("models/mine"),))
    with pytest.raises(ModelError, match=r"^models/mine/model\.safetensors: its scores are not finite, of line 13$"):
        translator.translate(lines, numbers=range(10, 15))


def test_a_single_text_is_refused(translator: Translator) -> None:
    with pytest.raises(TypeError, match=r"lines is one text: expected a sequence, such as \['ba ce'\]"):
        translator.translate("ba ce")
    with pytest.raises(TypeError, match="prefixes is one text"):
        translator.translate(["ba", "ce"], prefixes="ba")


@pytest.mark.parametrize("others", [{"prefixes": ["ba"]}, {"prefixes": []}, {"numbers": [1, 2, 3]}])
def test_prefixes_and_numbers_are_as_many_as_lines(others: dict[str, Any], translator: Translator) -> None:
    with pytest.raises(ValueError, match=r"\d (prefixes|numbers) for 2 lines"):
        translator.translate(["ba", "ce"], **others)


def test_a_batch_is_small_enough_for_its_logits(
    translator: Translator, batch_sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = make_lines(60)
    expected = translator.translate(lines)
    for options in (
        translator.options(beam_size=4),
        translator.options(n_best=4, beam_size=1),
        translator.options(n_best=4, beam_size=9, sampling=SamplingOptions()),
    ):
        batch_sizes.clear()
        monkeypatch.setattr(nmt.translation.batches, "LARGEST_LOGITS", 4 * translator.tokenizers.target.size * 7)
        found = translator.translate(lines, options)
        assert max(batch_sizes) == 7
    # A beam wider than the vocabulary ranks as many candidates as its square.
    wide = 2 * translator.tokenizers.target.size
    monkeypatch.setattr(nmt.translation.batches, "LARGEST_LOGITS", 3 * wide * wide)
    batch_sizes.clear()
    translator.translate(lines[:9], translator.options(beam_size=wide, max_length=3))
    assert batch_sizes == [3, 3, 3]
    monkeypatch.setattr(nmt.translation.batches, "LARGEST_LOGITS", 1)
    found = translator.translate(lines)
    assert batch_sizes[-60:] == [1] * 60
    assert_same(found, expected)


def test_samples_of_the_parts_of_a_line_are_drawn_alone(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = translator.options(sampling=SamplingOptions(seed=2), n_best=2)
    expected = translator.translate([LONG], options)
    drawn: list[tuple[Any, list[Hypothesis]]] = []
    sample = nmt.translation.segment_search.sample

    def watch(*arguments: Any, keys: Any, **others: Any) -> list[list[Hypothesis]]:
        found = sample(*arguments, keys=keys, **others)
        drawn.extend(zip(keys, found, strict=True))
        return found

    monkeypatch.setattr(nmt.translation.segment_search, "sample", watch)
    assert_same(translator.translate(["ba", LONG], options, numbers=[7, 1])[1:], expected)
    drawn.sort(key=lambda one: one[0])
    count = len(drawn) - 1
    assert [key for key, _ in drawn] == [(1, part) for part in range(count)] + [(7, 0)]
    # All parts but the last are the same tokens, so that only what is drawn can make them differ.
    assert count > 3 and len({one.tokens for _, some in drawn[: count - 1] for one in some}) == 2 * (count - 1)


def test_lines_are_numbered_from_one_for_sampling(translator: Translator) -> None:
    options = translator.options(sampling=SamplingOptions())
    lines = ["ba ce", "di", LONG]
    expected = translator.translate(lines, options, numbers=np.array([1, 2, 3]))
    assert translator.translate(lines, options) == expected
    assert translator.translate(lines, options, numbers=[4, 5, 6]) != expected


def test_the_best_translation_does_not_depend_on_how_many_are_asked_for(translator: Translator) -> None:
    lines = [LONG, "ba ce", " ".join(make_lines(20))]
    several = translator.translate(lines, translator.options(n_best=4))
    assert_same(
        [Translation(translation.source, translation.outputs[:1]) for translation in several],
        translator.translate(lines, translator.options(n_best=1)),
    )


def hypothesis(translator: Translator, text: str, score: float) -> Hypothesis:
    [tokens] = translator.tokenizers.target.encode([text])
    return Hypothesis(tuple(tokens), score * (len(tokens) + 1), score, finished=True)


@pytest.mark.parametrize("sampled", [False, True])
def test_what_is_joined_is_ordered_by_score_unless_it_was_drawn(
    sampled: bool, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*_: Any, max_lengths: torch.Tensor, **__: Any) -> list[list[Hypothesis]]:
        # The third of each part is long and likely, so that it weighs most in what is joined.
        found = [("ba", -1.0), ("ce", -1.4), ("di di di di di di di", -1.2), ("fo", -1.1)]
        return [[hypothesis(translator, *one) for one in found] for _ in max_lengths]

    monkeypatch.setattr(nmt.translation.segment_search, "sample" if sampled else "beam_search", search)
    options = translator.options(n_best=4, sampling=SamplingOptions() if sampled else None)
    [line, short] = translator.translate([LONG, "ba"], options)
    first = [output.text.split()[0] for output in line.outputs]
    assert first == (["ba", "ce", "di", "fo"] if sampled else ["ba", "fo", "di", "ce"])
    assert [output.text[:2] for output in short.outputs] == ["ba", "ce", "di", "fo"]


def test_the_score_of_a_joined_line_is_that_of_its_tokens_and_all_coverage(translator: Translator) -> None:
    parts = [
        Hypothesis((5, 6, 7), -6.0, -6.0 / 4**0.5 - 0.3, True),
        Hypothesis((8, 9), -5.0, -5.0 / 2**0.5 - 0.1, False),
    ]
    options = translator.options(length_penalty=0.5, coverage_penalty=0.2)
    assert joined_score(parts, options) == pytest.approx(-11.0 / 6**0.5 - 0.4)
    assert joined_score(parts[:1], options) == parts[0].score


@pytest.mark.parametrize("finished", [True, False])
def test_a_translation_tells_whether_its_limit_ended_it(
    finished: bool, translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(*_: Any, max_lengths: torch.Tensor, **__: Any) -> list[list[Hypothesis]]:
        ended = [hypothesis(translator, "ba", -1.0) for _ in max_lengths]
        return [[ended[0]] if place else [replace(ended[0], finished=finished)] for place in range(len(ended))]

    monkeypatch.setattr(nmt.translation.segment_search, "beam_search", search)
    [translation] = translator.translate(["ba ce"])
    [output] = translation.outputs
    assert (output.is_cut, output.end_marks) == (not finished, int(finished))
    tokens = len(output.tokens) + finished
    assert output.probability == pytest.approx(math.exp(output.log_probability / tokens))
    [long] = translator.translate([LONG], translator.options(batch_tokens=10_000))
    assert long.outputs[0].is_cut != finished and long.outputs[0].end_marks >= 1


@pytest.mark.parametrize("ratio", [3.0, 0.7, 100.0])
def test_the_limit_counts_the_tokens_of_the_source_without_its_end_mark(
    translator: Translator, monkeypatch: pytest.MonkeyPatch, ratio: float
) -> None:
    (word,) = translator.tokenizers.source.encode(["cat"])
    given: list[int] = []

    def search(*_: object, max_lengths: torch.Tensor, **__: object) -> list[list[Hypothesis]]:
        given.extend(max_lengths.tolist())
        return [[] for _ in given]

    monkeypatch.setattr(nmt.translation.segment_search, "beam_search", search)
    translator.search_lines(["cat cat"], translator.options(max_length_ratio=ratio, max_length=50))
    assert given == [min(50, int(2 * len(word) * ratio + 10))]


def test_words_are_looked_for_only_where_attention_is(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*make_lines(5), LONG]
    expected = [translation.text for translation in translator.translate(lines, translator.options(attention=True))]
    monkeypatch.setattr(Tokenizer, "decode_with_words", lambda *_: pytest.fail("words were looked for"))
    assert [translation.text for translation in translator.translate(lines)] == expected
