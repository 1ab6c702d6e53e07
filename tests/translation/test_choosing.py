"""What is chosen among candidates, and what has no say in it."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import nmt.translation.segment_search
from nmt.config.types import Utility
from nmt.search.hypothesis import Hypothesis
from nmt.search.options import SamplingOptions
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.choosing import by_expected_utility, closest_first
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, Translation
from nmt.translation.translator import Translator
from nmt.translation.utility import utility_matrix
from random_models import make_lines, make_model, make_tokenizer, small_config

LONG = " ".join(make_lines(9, seed=7))


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = make_tokenizer([*make_lines(200), "cat"])
    config = small_config(32, 32, max_length=12, search={"max_length": 10, "beam_size": 4})
    # Less sure of itself than others, so that samples are not all alike.
    model = make_model(config, tokenizer, tokenizer, factor=1.5, output_factor=4)
    return Translator(model, Tokenizers(tokenizer, tokenizer), config)


def candidates(translator: Translator, *texts: tuple[str, float]) -> list[Hypothesis]:
    """Hypotheses of these texts and log-probabilities."""
    of_texts = translator.tokenizers.target.encode([text for text, _ in texts])
    return [
        Hypothesis(tuple(tokens), probability, probability / (len(tokens) + 1), finished=True)
        for tokens, (_, probability) in zip(of_texts, texts, strict=True)
    ]


def chosen(translator: Translator, found: list[Hypothesis], options: TranslateOptions) -> list[str]:
    target = translator.tokenizers.target
    return [target.decode(one.tokens) for one in by_expected_utility(found, target, options)]


@pytest.mark.parametrize("utility", ["chrf", "bleu"])
@pytest.mark.parametrize("sampled", [True, False])
def test_expected_utility_is_the_weighted_mean_over_all_candidates(
    utility: Utility, sampled: bool, translator: Translator
) -> None:
    texts = [("ba ce di fo", -1.0), ("ba ce di gu", -2.0), ("fo", -0.5), ("ba ce di fo", -4.0), ("", -3.0)]
    sampling = SamplingOptions() if sampled else None
    options = TranslateOptions(sampling=sampling, mbr=5, n_best=5, mbr_metric=utility)
    found = by_expected_utility(candidates(translator, *texts), translator.tokenizers.target, options)
    weights = [1.0 if sampled else math.exp(probability) for _, probability in texts]
    matrix = utility_matrix([text for text, _ in texts], utility)
    expected = {text: sum(matrix[row] * weights) / sum(weights) for row, (text, _) in enumerate(texts)}
    decoded = [translator.tokenizers.target.decode(one.tokens) for one in found]
    assert sorted(decoded) == sorted(expected)  # each text once
    assert [one.utility for one in found] == pytest.approx([expected[text] for text in decoded])
    assert [one.utility for one in found] == sorted((one.utility or 0.0 for one in found), reverse=True)
    assert {one.log_probability for one in found} == {-1.0, -2.0, -0.5, -3.0}  # of equal texts, the first


def test_samples_count_alike_and_hypotheses_by_their_probability(translator: Translator) -> None:
    found = candidates(translator, ("ba ce", -0.1), ("di fo", -5.0), ("di fo gu", -5.0))
    assert chosen(translator, found, TranslateOptions(mbr=3)) == ["ba ce"]
    sampled = TranslateOptions(mbr=3, sampling=SamplingOptions())
    assert chosen(translator, found, sampled)[0].startswith("di fo")
    doubled = [*found, *found[:1] * 3]
    assert chosen(translator, doubled, replace(sampled, mbr=6)) == ["ba ce"]


def test_where_all_are_equal_or_empty_there_is_one(translator: Translator) -> None:
    options = TranslateOptions(mbr=3, n_best=3, sampling=SamplingOptions())
    same = candidates(translator, ("ba ce", -2.0), ("ba ce", -1.0), ("ba ce", -3.0))
    [one] = by_expected_utility(same, translator.tokenizers.target, options)
    assert (one.utility, one.log_probability) == (pytest.approx(100), -2.0)
    empty = candidates(translator, ("", -2.0), ("", -1.0))
    [one] = by_expected_utility(empty, translator.tokenizers.target, options)
    assert (one.utility, one.tokens) == (0.0, ())


def test_of_equal_utilities_the_first_wins(translator: Translator) -> None:
    found = candidates(translator, ("ba", -3.0), ("ce", -1.0), ("di", -2.0))
    options = TranslateOptions(mbr=3, n_best=3, sampling=SamplingOptions(), mbr_metric="bleu")
    assert chosen(translator, found, options) == ["ba", "ce", "di"]


@pytest.mark.parametrize(
    "options",
    [
        {"mbr": 12, "sampling": SamplingOptions(seed=3), "n_best": 2},
        {"mbr": 8, "mbr_metric": "bleu"},
        {"mbr": 8, "diverse": 4, "n_best": 3},
        {"diverse": 2, "n_best": 4},
    ],
    ids=["samples", "beam", "groups", "diverse"],
)
def test_what_is_chosen_does_not_depend_on_the_batch(options: dict[str, Any], translator: Translator) -> None:
    lines = [*make_lines(12), LONG, "", "🙂 ba", "123"]
    numbers = list(range(1, len(lines) + 1))
    whole = translator.translate(lines, translator.options(**options))
    assert len({one.text for one in whole}) > 10
    order = random.Random(2).sample(range(len(lines)), len(lines))
    for size in (1, 7):
        for start in range(0, len(lines), size):
            places = order[start : start + size]
            some = translator.translate(
                [lines[place] for place in places],
                translator.options(**options, batch_tokens=30),
                numbers=[numbers[place] for place in places],
            )
            for place, found in zip(places, some, strict=True):
                assert [one.text for one in found.outputs] == [one.text for one in whole[place].outputs]
                for one, other in zip(found.outputs, whole[place].outputs, strict=True):
                    assert one.utility == (None if other.utility is None else pytest.approx(other.utility, abs=1e-3))


def test_the_seed_decides_which_samples_there_are_to_choose_from(translator: Translator) -> None:
    def texts(seed: int, **others: Any) -> list[str]:
        options = translator.options(mbr=8, sampling=SamplingOptions(seed=seed), **others)
        return [one.text for one in translator.translate(make_lines(12), options)]

    assert texts(1) == texts(1, batch_tokens=8) != texts(2)


def test_the_candidates_are_the_samples_that_would_be_drawn(translator: Translator) -> None:
    lines, sampling = make_lines(6), SamplingOptions(seed=4)
    drawn = translator.translate(lines, translator.options(n_best=20, sampling=sampling))
    ranked = translator.translate(lines, translator.options(n_best=20, mbr=20, sampling=sampling))
    for samples, found in zip(drawn, ranked, strict=True):
        counts = Counter(output.text for output in samples.outputs)
        assert {output.text for output in found.outputs} == set(counts) and len(found.outputs) == len(counts)
        expected = utility_matrix(list(counts), "chrf") @ np.array(list(counts.values())) / 20
        by_text = dict(zip(counts, expected, strict=True))
        assert [output.utility for output in found.outputs] == pytest.approx(sorted(expected, reverse=True))
        assert all(output.utility == pytest.approx(by_text[output.text]) for output in found.outputs)


def test_a_line_in_segments_is_chosen_segment_by_segment(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_segments: list[list[Hypothesis]] = []
    choose = by_expected_utility

    def watch(*given: Any) -> list[Hypothesis]:
        of_segments.append(choose(*given))
        return of_segments[-1]

    monkeypatch.setattr(nmt.translation.segment_search, "by_expected_utility", watch)
    options = translator.options(mbr=6, n_best=3, batch_tokens=1)
    [line] = translator.translate([LONG], options)
    assert len(of_segments) > 2 and all(len(one) == 3 for one in of_segments)
    utilities = [[one.utility for one in of_segment] for of_segment in of_segments]
    means = sorted(np.mean(np.array(utilities, dtype=float), axis=0), reverse=True)
    assert [output.utility for output in line.outputs] == pytest.approx(means)
    assert sum(len(of_segment[0].tokens) for of_segment in of_segments) == len(line.outputs[0].tokens)


def test_what_passes_unchanged_is_certain(translator: Translator) -> None:
    [number, both] = translator.translate(["123", "123 " * 20 + LONG], translator.options(mbr=4))
    assert (number.text, number.outputs[0].utility) == ("123", 100.0)
    assert both.outputs[0].utility is not None and both.outputs[0].utility < 100


def test_the_beam_is_at_least_as_wide_as_there_are_candidates() -> None:
    assert TranslateOptions(mbr=9).width == 9 and TranslateOptions(mbr=3).width == 5
    assert TranslateOptions(mbr=3, n_best=7).candidates == 7
    sampled = TranslateOptions(mbr=9, sampling=SamplingOptions())
    assert (sampled.width, sampled.candidates) == (9, 9)


def test_the_trace_is_that_of_the_chosen_translation(translator: Translator) -> None:
    options = translator.options(mbr=8, n_best=2)
    lines = make_lines(8)
    traces = translator.attend_lines(lines, options)
    expected = translator.translate(lines, options)
    assert [trace.translation.text for trace in traces] == [one.text for one in expected]
    for trace in traces:
        [segment] = trace.segments
        assert segment.target_tokens[: len(trace.translation.outputs[0].tokens)] == trace.translation.outputs[0].tokens


def outputs(*texts: tuple[str, float]) -> Translation:
    return Translation("line", tuple(Output(text, score, score, (), None) for text, score in texts))


def test_the_closest_to_a_reference_comes_first() -> None:
    found = outputs(("der Hund", -0.1), ("die Katze", -0.2), ("die Katzen", -0.3), ("die Katze", -0.9), ("", -0.2))
    closest = closest_first(found, "die  Katzen!", TranslateOptions(n_best=2))
    assert [output.text for output in closest.outputs] == ["die Katzen", "die Katze"]
    assert closest.outputs[1].score == -0.2
    expected = utility_matrix(["die Katzen", "die  Katzen!"], "chrf")[0, 1]
    assert closest.outputs[0].utility == expected
    by_words = closest_first(found, "the Hund", TranslateOptions(mbr_metric="bleu"))
    assert by_words.text == "der Hund"


@pytest.mark.parametrize("reference", ["", " \u00a0", "xyz"])
def test_what_is_like_none_of_them_leaves_their_order(reference: str) -> None:
    found = outputs(("ab", -0.4), ("ba", -0.1), ("b", -0.2))
    assert [output.text for output in closest_first(found, reference, TranslateOptions(n_best=3)).outputs] == [
        "ab",
        "ba",
        "b",
    ]
    assert closest_first(Translation("", ()), reference, TranslateOptions()) == Translation("", ())


@pytest.mark.parametrize("sampling", [None, SamplingOptions(seed=2)], ids=["beam", "samples"])
def test_references_choose_among_the_beam_or_as_many_samples(
    sampling: SamplingOptions | None, translator: Translator
) -> None:
    lines = [*make_lines(12), "", LONG]
    all_found = translator.translate(lines, translator.options(n_best=4, sampling=sampling))
    wanted = [one.outputs[-1].text if one.outputs else "x" for one in all_found]
    options = translator.options(sampling=sampling)
    found = translator.translate(lines, options, references=wanted)
    # Another text may be as close, for white space does not count.
    assert [[output.utility for output in one.outputs] for one in found] == [
        [pytest.approx(100)] if line else [] for line in lines
    ]
    assert sum(one.text == text for one, text in zip(found, wanted, strict=True)) > 10
    usual = translator.translate(lines, options)
    assert sum(one.text != other.text for one, other in zip(found, usual, strict=True)) > 5


def test_groups_give_other_translations_and_one_group_the_usual_ones(translator: Translator) -> None:
    lines = make_lines(12)
    usual = translator.translate(lines, translator.options(n_best=4))
    assert translator.translate(lines, translator.options(n_best=4, diverse=1, diversity=3.0)) == usual

    def first_words(diverse: int) -> int:
        found = translator.translate(lines, translator.options(n_best=4, diverse=diverse, diversity=2.0))
        return sum(len({output.tokens[:1] for output in one.outputs}) for one in found)

    assert first_words(1) < first_words(4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mbr": -1}, "^mbr is -1: expected a whole number from 0 to 1000"),
        ({"mbr": 1001}, "^mbr is 1001"),
        ({"mbr_metric": "ter"}, "^mbr_metric is 'ter': expected one of chrf, bleu"),
        ({"diverse": 0}, "^diverse is 0: expected a whole number from 1"),
        ({"diverse": 3}, "^diverse is 3: expected a divisor of the width of the beam, 4"),
        ({"diverse": 2, "sampling": SamplingOptions()}, "^diverse is 2: it does not go with samples"),
        ({"diversity": math.nan}, "^diversity is nan: expected a number from 0"),
    ],
)
def test_impossible_choices_are_refused(given: dict[str, Any], message: str, translator: Translator) -> None:
    with pytest.raises(ValueError, match=message):
        translator.options(**given)


def test_references_are_as_many_as_lines_and_the_only_way_to_choose(translator: Translator) -> None:
    with pytest.raises(ValueError, match=r"1 references for 2 lines$"):
        translator.translate(["ba", "ce"], references=["x"])
    with pytest.raises(ValueError, match=r"^mbr is 4: expected 0 with references"):
        translator.translate(["ba"], translator.options(mbr=4), references=["x"])
    with pytest.raises(TypeError, match="references is one text"):
        translator.translate(["ba"], references="x")


def test_the_attention_of_the_chosen_is_kept(translator: Translator) -> None:
    options = translator.options(mbr=8, attention=True)
    for line in translator.translate(make_lines(5), options):
        [output] = line.outputs
        assert output.attention is not None and len(output.attention) == len(output.tokens)
        assert torch.allclose(torch.from_numpy(output.attention).sum(1), torch.ones(len(output.tokens)), atol=1e-5)
