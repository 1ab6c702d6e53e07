"""Shortlists: what a sentence may be translated to is its own, and with all there is, nothing changes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nmt.translation.batches
import nmt.translation.ensemble
from nmt.config import from_yaml
from nmt.errors import ModelError
from nmt.search.options import SamplingOptions
from nmt.search.shortlist import RestrictedVocabularies, Shortlist
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.result import Translation
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer

CONFIGURATION = """\
data:
  source_language: xx
  target_language: yy
  train: {{source: a, target: b}}
  validation: {{source: a, target: b}}
  max_length: 20
tokenizer: {{shared: {shared}}}
model: {{attention: {attention}, tie_embeddings: {tie}, encoder: {{hidden_size: 64}}, decoder: {{hidden_size: 128}}}}
search: {{max_length: 12, beam_size: 4}}
"""
# Vocabularies in one, embeddings in one, attention, tokenizer.
KINDS = {
    "usual": (True, "all", "additive", "bpe"),
    "untied": (True, "none", "general", "unigram"),
    "two vocabularies": (False, "output", "dot", "bpe"),
    "words without attention": (False, "none", "none", "word"),
}


def make_translator(shared: bool, tie: str, attention: str, kind: str) -> Translator:
    lines = [*make_lines(200), "cat"]
    source = make_tokenizer(lines, 34 if kind == "word" else 60, kind)
    target = source if shared else make_tokenizer(lines, 30 if kind == "word" else 50, kind)
    config = from_yaml(CONFIGURATION.format(shared=str(shared).lower(), tie=tie, attention=attention), "configuration")
    model = make_model(config, source, target)
    everything = np.tile(np.arange(target.size, dtype=np.int32), (source.size, 1))
    return Translator(model, Tokenizers(source, target), config, shortlist=Shortlist(everything, np.zeros(0, np.int32)))


@pytest.fixture(scope="module")
def translators() -> dict[str, Translator]:
    return {name: make_translator(*kind) for name, kind in KINDS.items()}


@pytest.fixture
def some_candidates(translators: dict[str, Translator]) -> Translator:
    """A translator with three random candidates for each source token."""
    translator = translators["usual"]
    generator, sizes = np.random.default_rng(3), (translator.tokenizers.source.size, 3)
    table = generator.integers(4, translator.tokenizers.target.size, sizes).astype(np.int32)
    table[::7, 1:] = -1
    shortlist = Shortlist(table, np.array([5, 9], np.int32))
    return Translator(*_of(translator), shortlist=shortlist)


def _of(translator: Translator) -> tuple[Any, ...]:
    return translator.model, translator.tokenizers, translator.config


def assert_same(ours: Sequence[Translation], theirs: Sequence[Translation]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        assert [one.text for one in mine.outputs] == [one.text for one in other.outputs]
        for one, another in zip(mine.outputs, other.outputs, strict=True):
            assert one.tokens == another.tokens
            assert one.log_probability == pytest.approx(
                another.log_probability, rel=1e-6, abs=1e-5 * (len(one.tokens) + 1)
            )
            if one.attention is not None:
                assert np.allclose(one.attention, another.attention, atol=1e-5)


SEARCHES: dict[str, dict[str, Any]] = {
    "beam": {},
    "greedy": {"beam_size": 1},
    "n-best with attention": {"n_best": 4, "attention": True},
    "a beam wider than the vocabulary": {"beam_size": 80, "max_length": 3},
    "nothing twice": {"no_repeat_ngram": 1},
    "coverage": {"coverage_penalty": 0.4},
    "samples": {"sampling": SamplingOptions(seed=3), "n_best": 3},
    "few to draw from": {"sampling": SamplingOptions(seed=3, top_k=5, top_p=0.8, temperature=1.5), "n_best": 2},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("search", SEARCHES)
def test_candidates_that_are_everything_change_nothing(
    search: str, kind: str, translators: dict[str, Translator]
) -> None:
    translator = translators[kind]
    if search == "coverage" and translator.config.model.attention == "none":
        pytest.skip("a coverage penalty needs attention")
    lines = [*make_lines(20), "", "cat " * 40, "🙂 <s> zu"]
    options = translator.options(**SEARCHES[search])
    expected = translator.translate(lines, options)
    assert len({translation.text for translation in expected}) > (3 if "max_length" in SEARCHES[search] else 8)
    assert_same(
        translator.translate(lines, replace(options, search=options.search.model_copy(update={"shortlist": 1000}))),
        expected,
    )
    prefixes = [*make_lines(21, seed=7), "", "zu"]
    expected = translator.translate(lines, options, prefixes=prefixes)
    assert_same(
        translator.translate(
            lines, replace(options, search=options.search.model_copy(update={"shortlist": 1000})), prefixes=prefixes
        ),
        expected,
    )


@pytest.mark.parametrize("search", ["beam", "n-best with attention", "coverage", "samples"])
def test_a_translation_does_not_depend_on_its_batch(search: str, some_candidates: Translator) -> None:
    lines = [*make_lines(30), "cat " * 40, "", "🙂 <s>"]
    order = random.Random(1).sample(range(len(lines)), len(lines))
    options = some_candidates.options(shortlist=2, **SEARCHES[search])
    whole = some_candidates.translate(lines, options)
    assert len({translation.text for translation in whole}) > 20
    for size in (1, 5):
        for start in range(0, len(lines), size):
            places = order[start : start + size]
            found = some_candidates.translate([lines[place] for place in places], options, numbers=np.add(places, 1))
            assert_same(found, [whole[place] for place in places])


@pytest.mark.parametrize("count", [1, 3])
def test_a_translation_consists_of_its_candidates(count: int, some_candidates: Translator) -> None:
    lines, prefixes = make_lines(40), make_lines(40, seed=9)
    (source, target), table = some_candidates.tokenizers, some_candidates.shortlist
    assert table is not None
    options = some_candidates.options(shortlist=count, n_best=4)
    found = some_candidates.translate(lines, options, prefixes=prefixes)
    for line, prefix, translation in zip(lines, prefixes, found, strict=True):
        [ids], [beginning] = source.encode([line]), target.encode([prefix])
        allowed = {*table.translations[[*ids, source.special.eos], :count].ravel().tolist(), 5, 9, *ids, *beginning} - {
            -1
        }
        spelled = {target.piece(token) for token in allowed | {target.special.unk}}
        assert all(set(output.tokens) <= spelled for output in translation.outputs)
    free = some_candidates.translate(
        lines, replace(options, search=options.search.model_copy(update={"shortlist": 0})), prefixes=prefixes
    )
    assert [one.text for one in free] != [one.text for one in found]


def test_what_the_end_mark_stands_for_is_a_candidate_of_every_sentence(translators: dict[str, Translator]) -> None:
    translator = translators["usual"]
    size, end = translator.tokenizers.target.size, translator.tokenizers.source.special.eos
    table = np.where(np.arange(size)[:, None] == end, np.arange(size), -1).astype(np.int32)
    others = Translator(*_of(translator), shortlist=Shortlist(table, np.zeros(0, np.int32)))
    lines = make_lines(10)
    assert_same(others.translate(lines, others.options(shortlist=size)), translator.translate(lines))


def test_probabilities_are_of_the_candidates_alone(translators: dict[str, Translator]) -> None:
    usual, line = translators["usual"], make_lines(1)
    free = usual.translate(line, usual.options(beam_size=1))[0].outputs[0]
    used = [
        token for token in range(usual.tokenizers.target.size) if usual.tokenizers.target.piece(token) in free.tokens
    ]
    nothing = np.full((usual.tokenizers.source.size, 1), -1, np.int32)
    translator = Translator(*_of(usual), shortlist=Shortlist(nothing, np.array(used, np.int32)))
    bound = translator.translate(line, translator.options(beam_size=1, shortlist=1))[0].outputs[0]
    assert bound.tokens == free.tokens and free.tokens
    assert bound.score > free.score


def test_off_means_that_the_table_is_not_looked_at(
    some_candidates: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = make_lines(10)
    without = Translator(*_of(some_candidates)).translate(lines)
    monkeypatch.setattr(Shortlist, "candidates", lambda *_: pytest.fail("the table was looked at"))
    assert some_candidates.translate(lines) == without


def test_a_model_without_a_table_says_so(translators: dict[str, Translator]) -> None:
    without = Translator(*_of(translators["usual"]))
    with pytest.raises(ModelError, match="shortlist: is 20, but the model has no table for it; `nmt shortlist`"):
        without.options(shortlist=20)
    usual = without.options()
    asked = replace(usual, search=usual.search.model_copy(update={"shortlist": 20}))
    with pytest.raises(ModelError, match="no table"):
        without.translate(["ba"], asked)


def test_a_batch_is_small_enough_for_its_output_weights(
    some_candidates: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, options = make_lines(60), some_candidates.options(shortlist=3)
    expected = some_candidates.translate(lines, options)
    sizes: list[tuple[int, ...]] = []
    gather: Callable[..., Any] = nmt.translation.ensemble.RestrictedOutput.from_candidates

    def watch(*arguments: Any) -> Any:
        outputs = gather(*arguments)
        sizes.append(tuple(outputs.weight.shape))
        return outputs

    monkeypatch.setattr(nmt.translation.ensemble.RestrictedOutput, "from_candidates", watch)
    some_candidates.translate(lines, options)
    assert sizes[0][0] == 60
    sizes.clear()
    monkeypatch.setattr(
        nmt.translation.batches, "LARGEST_OUTPUTS", 10 * 40 * some_candidates.model.output_weight.shape[1]
    )
    assert_same(some_candidates.translate(lines, options), expected)
    # The marks come on top of what was counted.
    assert 1 < max(sentences * (tokens - 4) for sentences, tokens, _ in sizes) <= 10 * 40
    monkeypatch.setattr(nmt.translation.batches, "LARGEST_OUTPUTS", 1)
    assert_same(some_candidates.translate(lines, options), expected)


def test_small_vocabularies_begin_with_the_marks_and_keep_the_order() -> None:
    candidates = [np.array([1, 5, 7]), np.array([3, 4, 8, 9])]
    small = RestrictedVocabularies.from_candidates(candidates, SpecialTokens(bos=3, eos=9, pad=0, unk=1))
    assert small.tokens.tolist() == [[0, 1, 3, 9, 5, 7], [0, 1, 3, 9, 4, 8]]
    assert (small.special, small.lengths.tolist()) == (SpecialTokens(bos=2, eos=3, pad=0, unk=1), [6, 6])
    assert small.restricted([[7, 1], [8]]) == [[5, 1], [5]]


TABLE = {
    "translations": torch.tensor([[4, 5], [6, -1], [-1, -1]], dtype=torch.int32),
    "frequent": torch.tensor([7], dtype=torch.int32),
}


def test_a_table_is_what_its_tensors_say() -> None:
    table = Shortlist.from_tensors(TABLE, 3, 8, Path("table"))
    assert table.candidates([0, 1, 0], [6, 2], 2).tolist() == [2, 4, 5, 6, 7]
    assert table.candidates([2], [], 1).tolist() == [7]
    assert all(torch.equal(tensor, TABLE[name]) for name, tensor in table.tensors().items())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"translations": None}, "holds frequent; expected translations and frequent"),
        ({"\x1b[2J": TABLE["frequent"]}, "expected translations and frequent"),
        ({"translations": TABLE["translations"].long()}, "int64; expected 2 dimensions of int32"),
        ({"translations": TABLE["frequent"]}, "expected 2 dimensions"),
        ({"frequent": TABLE["translations"]}, "expected 1 dimensions"),
        ({"translations": TABLE["translations"] - 1}, "no token: expected -1 to 7"),
        ({"translations": TABLE["translations"] + 2}, "no token: expected -1 to 7"),
        ({"frequent": TABLE["frequent"] + 1}, "no token: expected 0 to 7"),
        ({"frequent": TABLE["frequent"] - 8}, "no token: expected 0 to 7"),
        ({"translations": TABLE["translations"][:2]}, "is for 2 source tokens; expected 3"),
    ],
)
def test_tensors_that_are_no_table_of_the_model_are_refused(change: dict[str, Any], what: str) -> None:
    tensors = {name: tensor for name, tensor in {**TABLE, **change}.items() if tensor is not None}
    with pytest.raises(ModelError, match=r"^table: ") as caught:
        Shortlist.from_tensors(tensors, 3, 8, Path("table"))
    assert what in str(caught.value) and caught.value.exit_code == 4
