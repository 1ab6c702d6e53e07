"""Translations that have the terms of a glossary, of models of random weights."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from nmt.config import Config
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation import segment_search
from nmt.translation.ensemble import Ensemble
from nmt.translation.forced_decoding import TokenPair, force_decode_tokens
from nmt.translation.glossary import Glossary
from nmt.translation.options import TranslateOptions
from nmt.translation.result import TermResult, Translation
from nmt.translation.segment_search import SegmentSearch
from nmt.translation.segments import Segment
from nmt.translation.term_presence import term_results
from nmt.translation.terms import GlossaryTerms
from nmt.translation.translator import Translator
from random_models import WORDS, make_lines, make_model, make_tokenizer, small_config

SEARCH = {"max_length": 40, "beam_size": 4}
LINES = [
    *make_lines(12, seed=3),
    "",
    "Bala is “cela”, and dine.",
    "ba bala cela ba ba bala",
    "7 8",
    "ba ce di fo gu " * 6 + "bala cela",
]
GLOSSARY = Glossary.from_terms(
    [("bala", ["tune sofo"]), ("cela", ["guri", "gutu diso"]), ("ba", ["fone"]), ("bala cela", ["baba dila gune"])]
)


def results(translation: Translation) -> tuple[TermResult, ...]:
    return translation.outputs[0].annotations.terms or () if translation.outputs else ()


@pytest.fixture(scope="module")
def config() -> Config:
    return small_config(16, 8, languages=("en", "en"), max_length=12, search=SEARCH)


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    # Without punctuation, behind which a model that knows nothing would go on with the word.
    tokenizer = make_tokenizer(make_lines(200))
    return Tokenizers(tokenizer, tokenizer)


@pytest.fixture(scope="module")
def translator(config: Config, tokenizers: Tokenizers) -> Translator:
    return Translator(make_model(config, *tokenizers), tokenizers, config)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"beam_size": 1},
        {"n_best": 3, "attention": True},
        {"coverage_penalty": 0.3, "attention": True},
        {"no_repeat_ngram": 1},
        {"mbr": 6},
    ],
)
def test_every_translation_has_the_terms_of_its_line(translator: Translator, options: dict[str, object]) -> None:
    found = translator.translate(LINES, translator.options(glossary=GLOSSARY, **options))  # type: ignore[arg-type]
    for line, translation in zip(LINES, found, strict=True):
        terms = GLOSSARY.find(line)
        for output in translation.outputs:
            assert output.annotations.terms is not None
            assert [(one.source, one.words) for one in output.annotations.terms] == [
                (term.source, tuple(term.words)) for term in terms
            ]
            for one in output.annotations.terms:
                assert one.met and one.target in one.targets
                assert one.target in output.text or str(one.target).capitalize() in output.text


def test_a_line_without_terms_is_translated_as_without_a_glossary(translator: Translator) -> None:
    lines = [line for line in [*LINES, *make_lines(30, seed=9)] if not GLOSSARY.find(line)]
    expected = translator.translate(lines, translator.options(attention=True))
    found = translator.translate([*LINES, *lines], translator.options(attention=True, glossary=GLOSSARY))
    # Other lines stand in the same batches, of which float32 keeps a trace.
    for one, other in zip(found[len(LINES) :], expected, strict=True):
        assert one.text == other.text
        for ours, theirs in zip(one.outputs, other.outputs, strict=True):
            assert ours.log_probability == pytest.approx(theirs.log_probability, abs=1e-4)
    alone = translator.translate(lines, translator.options(attention=True, glossary=GLOSSARY))
    assert [one.outputs and one.outputs[0].score for one in alone] == [
        one.outputs and one.outputs[0].score for one in expected
    ]


def test_terms_that_are_there_by_themselves_change_nothing(translator: Translator) -> None:
    lines = make_lines(20, seed=5)
    for line in lines:
        [one] = translator.translate([line], translator.options())
        words = one.text.split()
        glossary = Glossary.from_terms([(line.split()[0], [words[0]]), (line.split()[-1], [words[-1]])])
        [again] = translator.translate([line], translator.options(glossary=glossary))
        if all(term.met for term in term_results(results(again), one.text)):
            assert (again.text, again.outputs[0].score) == (one.text, one.outputs[0].score)


def test_the_log_probability_is_that_of_forced_decoding(translator: Translator, tokenizers: Tokenizers) -> None:
    lines = [line for line in make_lines(40, seed=7) if GLOSSARY.find(line)]
    found = translator.translate(lines, translator.options(glossary=GLOSSARY))
    assert len(lines) >= 10
    pieces = {tokenizers.target.piece(token): token for token in range(tokenizers.target.size)}
    pairs = [
        TokenPair(ids, [pieces[piece] for piece in one.outputs[0].tokens])
        for ids, one in zip(tokenizers.source.encode(lines), found, strict=True)
    ]
    scored = force_decode_tokens(translator, pairs, attention=False)
    for one, scores in zip(found, scored, strict=True):
        assert one.outputs[0].end_marks
        assert one.outputs[0].log_probability == pytest.approx(scores.log_probabilities.sum(), abs=1e-3)


@pytest.mark.parametrize("size", [1, 5])
def test_batches_change_no_translation(translator: Translator, size: int) -> None:
    options = translator.options(glossary=GLOSSARY)
    whole = translator.translate(LINES, options)
    parts = [translator.translate(LINES[start : start + size], options) for start in range(0, len(LINES), size)]
    assert [one.text for part in parts for one in part] == [one.text for one in whole]


def test_ensembles_shortlists_and_models_without_attention_have_terms_too(
    config: Config, tokenizers: Tokenizers
) -> None:
    plain = small_config(16, 8, languages=("en", "en"), max_length=12, search=SEARCH, attention="none")
    members = [make_model(config, *tokenizers), make_model(plain, *tokenizers, seed=2)]
    size = tokenizers.target.size
    table = np.random.default_rng(1).integers(0, size, (tokenizers.source.size, 3)).astype(np.int32)
    shortlist = Shortlist(table, np.arange(6, dtype=np.int32))
    translators = [
        Translator(Ensemble(members), tokenizers, config),
        Translator(members[1], tokenizers, plain),
        Translator(members[0], tokenizers, config, shortlist=shortlist),
    ]
    for one, count in zip(translators, (0, 0, 3), strict=True):
        found = one.translate(LINES, one.options(glossary=GLOSSARY, shortlist=count))
        assert all(term.met for translation in found for term in results(translation))


def test_prefixes_and_terms_go_together(translator: Translator) -> None:
    lines = ["bala ce", "bala ce", "cela"]
    prefixes = ["tune sofo ce", "tune", "ne"]
    found = translator.translate(lines, translator.options(glossary=GLOSSARY), prefixes=prefixes)
    for one, prefix in zip(found, prefixes, strict=True):
        assert one.text.startswith(prefix) and all(term.met for term in results(one))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_first_translation_is_the_same_however_many_are_asked_for(translator: Translator, count: int) -> None:
    best = translator.translate(LINES, translator.options(glossary=GLOSSARY))
    several = translator.translate(LINES, translator.options(glossary=GLOSSARY, n_best=count))
    for line, one, more in zip(LINES, best, several, strict=True):
        texts = [output.text for output in more.outputs]
        assert texts[:1] == [output.text for output in one.outputs], line
        assert len(texts) <= count
        scores = [output.score for output in more.outputs[1:]]
        assert scores == sorted(scores, reverse=True)
        for output in more.outputs:
            assert all(term.met for term in output.annotations.terms or ())


def test_a_term_without_room_makes_no_translation_another(translator: Translator) -> None:
    lines = [line for line in make_lines(20, seed=5) if line.split()[0] != line.split()[-1]]
    tried = 0
    for line, free in zip(lines, translator.translate(lines, translator.options()), strict=True):
        own = next((word for word in free.text.split() if "⁇" not in word), None)
        if own is None:  # nothing that the vocabulary spells
            continue
        tried += 1
        terms = [(line.split()[0], [own]), (line.split()[-1], ["guri " * 200])]
        [held] = translator.translate([line], translator.options(glossary=Glossary.from_terms(terms)))
        assert held.text == free.text
        assert {term.met for term in results(held)} == {True, False}
    assert tried > 5


def test_what_has_no_room_is_missed_and_told(translator: Translator) -> None:
    long = Glossary.from_terms([("bala", [" ".join(WORDS)]), ("cela", ["guri"])])
    [found] = translator.translate(["bala cela"], translator.options(glossary=long, max_length=6))
    assert [(one.source, one.met, one.target) for one in results(found)] == [
        ("bala", False, None),
        ("cela", True, "guri"),
    ]
    [alone] = translator.translate(["bala"], translator.options(glossary=long, max_length=6))
    assert not results(alone)[0].met and alone.text


def test_a_term_that_cannot_be_spelled_is_left_out(translator: Translator) -> None:
    glossary = Glossary.from_terms([("bala", ["ш"]), ("cela", ["ш", "guri"])])
    assert translator.terms.unwritable(glossary) == ["bala"]
    [found] = translator.translate(["bala cela"], translator.options(glossary=glossary))
    assert [(one.source, one.target) for one in results(found)] == [("cela", "guri")]


def test_terms_of_sentences_and_of_cut_lines_belong_to_their_segments(translator: Translator) -> None:
    pytest.importorskip("sentencex")
    line = "Ba ce di. Then bala fo gu ce di ba bala gu fo ce bala fo gu. Cela and bala."
    options = translator.options(glossary=GLOSSARY, split_sentences=True, attention=True)
    [found] = translator.translate([line], options)
    assert found.outputs[0].segments is not None and len(found.outputs[0].segments) > 3
    words = line.split()
    assert [" ".join(words[word] for word in one.words).strip(".").lower() for one in results(found)] == [
        one.source for one in results(found)
    ]
    assert all(one.met for one in results(found)) and len(results(found)) == 7


def test_only_the_usual_search_puts_terms_in(translator: Translator) -> None:
    from nmt.search.options import SamplingOptions

    for others in ({"sampling": SamplingOptions()}, {"diverse": 2}):
        with pytest.raises(ValueError, match=r"^glossary does not go with"):
            translator.options(glossary=GLOSSARY, **others)  # type: ignore[arg-type]


def test_a_sentence_is_not_cut_within_a_term(translator: Translator) -> None:
    pytest.importorskip("sentencex")
    glossary = Glossary.from_terms([("fo gu. Ba ce.", ["guri"]), ("ce", ["tune"])])
    line = "Ba di fo gu. Ba ce. Ce di fo gu. Ba di. Ce."
    options = translator.options(glossary=glossary, split_sentences=True, attention=True)
    [found] = translator.translate([line], options)
    assert [(one.source, one.words, one.met) for one in results(found)] == [
        ("fo gu. Ba ce.", (2, 3, 4, 5), True),
        ("ce", (6,), True),
        ("ce", (12,), True),
    ]


def test_a_line_without_letters_is_translated_where_it_has_a_term(translator: Translator) -> None:
    glossary = Glossary.from_terms([("☎", ["guri"]), ("7", ["tune"])])
    lines = ["7 8", "☎ 123", "8 9", "\ufeff7"]
    called, rung, unchanged, marked = translator.translate(lines, translator.options(glossary=glossary))
    assert [one.met for one in results(called)] == [one.met for one in results(rung)] == [True]
    assert unchanged.text == "8 9" and results(unchanged) == ()
    assert [one.target for one in results(marked)] == ["tune"]


def test_a_shortlist_is_widened_only_for_lines_that_lack_a_term(config: Config, tokenizers: Tokenizers) -> None:
    size = tokenizers.target.size
    table = np.random.default_rng(1).integers(0, size, (tokenizers.source.size, 3)).astype(np.int32)
    shortlist = Shortlist(table, np.arange(6, dtype=np.int32))
    translator = Translator(make_model(config, *tokenizers), tokenizers, config, shortlist=shortlist)
    lines = make_lines(30, seed=4)
    free = translator.translate(lines, translator.options(shortlist=3))
    pairs = [(line, one.text.split()) for line, one in zip(lines, free, strict=True)]
    spelled = [(line.split()[0], [word for word in words if "⁇" not in word]) for line, words in pairs]
    glossary = Glossary.from_terms((source, [*words[:1], *WORDS]) for source, words in spelled)
    again = translator.translate(lines, translator.options(shortlist=3, glossary=glossary))
    kept = 0
    for one, other in zip(free, again, strict=True):
        if all(term.met for term in term_results(results(other), one.text)):
            kept += 1
            assert other.text == one.text
    assert kept > 4


def test_terms_of_many_alternatives_are_searched_in_smaller_batches(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = translator.options(glossary=GLOSSARY)
    whole = translator.translate(LINES, options)
    begun = []
    begin = SegmentSearch._begin

    def counted(self: SegmentSearch, segments: Sequence[Segment], options: TranslateOptions) -> object:
        begun.append(len(segments))
        return begin(self, segments, options)

    monkeypatch.setattr(SegmentSearch, "_begin", counted)
    monkeypatch.setattr(segment_search, "_MOST_WRITTEN", 1)
    assert [one.text for one in translator.translate(LINES, options)] == [one.text for one in whole]
    assert begun.count(1) > 5


def wanted(*terms: tuple[str, ...]) -> list[TermResult]:
    return [TermResult("x", targets, (0,)) for targets in terms]


@pytest.mark.parametrize(
    ("terms", "text", "targets"),
    [
        ([("Haus",)], "Das “Haus”, ja", ["Haus"]),
        ([("Haus",)], "Das Hausboot", [None]),
        ([("rot",)], "Rot ist es.", ["rot"]),
        ([("rot",)], "Ja. „Rot ist es.", ["rot"]),
        ([("rot",)], "Das Rot ist es.", [None]),
        ([("a",), ("a",)], "a b", ["a", None]),
        ([("a", "b"), ("a",)], "a b", ["b", "a"]),
        ([("a b",), ("b",)], "a b b", ["a b", "b"]),
        ([("a b",), ("b",)], "a b", ["a b", None]),
        ([("cafe\u0301",), ("C++",)], "caf\u00e9 C++.", [None, "C++"]),
        ([("a",)], "", [None]),
        ([("Haus",)], "»Haus«; *Haus*.Und", ["Haus"]),
        ([("homme",)], "l'homme", ["homme"]),
        ([("Zug",)], "Eil-Zug, Zug-Hund", [None]),
        ([("a", "b"), ("b", "c"), ("c", "a")], "c b a", ["a", "b", "c"]),
        ([("a", "b"), ("b", "c"), ("a", "d")], "a b c", ["b", "c", "a"]),
        ([("a", "b"), ("a", "c"), ("b", "c")], "a b", ["b", "a", None]),
        ([("東京", "AI")], "MAILを", [None]),
        ([("AI",)], "東京AIを", ["AI"]),
    ],
)
def test_presence_is_judged_by_whole_words(
    terms: Sequence[tuple[str, ...]], text: str, targets: Sequence[str | None]
) -> None:
    assert [one.target for one in term_results(wanted(*terms), text)] == list(targets)


def test_presence_is_judged_in_time() -> None:
    count = 16_000
    before = time.process_time()
    many = term_results(wanted(*[("a",)] * count), " ".join(["a"] * count))
    others = term_results(wanted(*[(f"w{place}", "a") for place in range(1000)]), " ".join(["a"] * count))
    crossed = term_results(wanted(*[("a", "b")] * 2000, *[("b", "c")] * 2000), "a b " * 1500 + "c")
    assert time.process_time() - before < 20
    assert all(one.met for one in (*many, *others)) and sum(one.met for one in crossed) == 3001


def test_presence_is_judged_by_the_spelling_of_the_model() -> None:
    folded = make_tokenizer(make_lines(200), normalization="nmt_nfkc_cf")
    tokenizers = Tokenizers(folded, folded)
    terms = GlossaryTerms(tokenizers, "en")
    [one] = terms.find("bala", Glossary.from_terms([("bala", ["Guri Ce"])]))
    [ids] = tokenizers.target.encode(["Ba Guri Ce fo"])
    assert terms.are_met(ids, terms.of_cuts("bala", [one], [(0, 9)])[0])
    assert not terms.are_met(ids[:-3], terms.of_cuts("bala", [one], [(0, 9)])[0])


def test_presence_is_judged_by_characters_where_no_spaces_are_written() -> None:
    found = term_results(wanted(("東京",), ("東京",)), "私は東京へ。")
    assert [one.target for one in found] == ["東京", None]


def test_source_tokens_of_a_term_are_known_with_and_without_spaces(tokenizers: Tokenizers) -> None:
    for source, line in (("en", "gu bala cela fo"), ("ja", "gu。bala。fo")):
        terms = GlossaryTerms(tokenizers, "en")
        glossary = Glossary.from_terms([("bala" if source == "ja" else "bala cela", ["guri"])])
        found = terms.find(line, glossary)
        [ids] = tokenizers.source.encode([line])
        [[term], nothing] = terms.of_cuts(line, found, [(0, len(ids) - 1), (len(ids) - 1, len(ids))])
        pieces = [tokenizers.source.piece(ids[place]) for place in term.positions]
        assert "".join(pieces).replace("▁", " ").strip() == term.found.source and nothing == ()


def test_a_language_without_spaces_has_its_terms(tokenizers: Tokenizers) -> None:
    config = small_config(16, 8, languages=("en", "ja"), max_length=12, search=SEARCH)
    with torch.random.fork_rng():
        translator = Translator(make_model(config, *tokenizers), tokenizers, config)
    found = translator.translate(LINES[:12], translator.options(glossary=GLOSSARY))
    assert all(term.met and str(term.target) in one.text for one in found for term in results(one))
