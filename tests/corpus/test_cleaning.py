import json
from collections.abc import Iterable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.corpus.cleaning import CHUNK_CHARACTERS, CHUNK_PAIRS, PairFilter, SeenPairs, clean_chunks
from nmt.corpus.encoding import Encoded, EncodedPairs
from nmt.corpus.parallel import Pair
from nmt.corpus.report import Place, Reason, Report, Tally


def pairs_of(texts: Iterable[tuple[str, str]]) -> list[Pair]:
    return [Pair(0, number, source, target, False) for number, (source, target) in enumerate(texts, start=1)]


def encoded(source: list[int], target: list[int]) -> EncodedPairs:
    sides = [Encoded(np.zeros(sum(lengths), np.uint16), np.array(lengths)) for lengths in (source, target)]
    return EncodedPairs(*sides)


def test_blank_and_giant_lines_are_left_out() -> None:
    pairs = [*pairs_of([("a", "b"), (" \u00a0", "b"), ("a", "\ufeff"), ("c", "d")]), Pair(1, 1, "", "x", True)]
    (chunk,) = clean_chunks(pairs, drop_duplicates=False)
    assert chunk.sources == ["a", "c"] and chunk.targets == ["b", "d"]
    assert chunk.places == [(0, 1), (0, 4)]
    assert chunk.left_out == [(Reason.BLANK, 0, 2), (Reason.BLANK, 0, 3), (Reason.LONG_LINE, 1, 1)]
    assert chunk.read == 5


def test_duplicates_stay_unless_they_are_to_be_dropped() -> None:
    pairs = pairs_of([("a", "b"), ("a", "c"), ("a", "b"), ("a", "b"), ("ab", "")])
    (kept,) = clean_chunks(pairs[:4], drop_duplicates=False)
    assert kept.sources == ["a"] * 4
    (chunk,) = clean_chunks(pairs[:4], drop_duplicates=True)
    assert list(zip(chunk.sources, chunk.targets, strict=True)) == [("a", "b"), ("a", "c")]
    assert chunk.left_out == [(Reason.DUPLICATE, 0, 3), (Reason.DUPLICATE, 0, 4)]


def test_duplicates_are_found_across_chunks() -> None:
    pairs = pairs_of((str(number % 7000), "x") for number in range(20_000))
    chunks = list(clean_chunks(pairs, drop_duplicates=True))
    assert [source for chunk in chunks for source in chunk.sources] == [str(number) for number in range(7000)]
    assert sum(len(chunk.left_out) for chunk in chunks) == 13_000


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcdef")), max_size=9), max_size=12))
def test_a_pair_is_new_exactly_once(chunks: list[list[tuple[str, str]]]) -> None:
    seen, known = SeenPairs(), set[tuple[str, str]]()
    for chunk in chunks:
        expected = []
        for pair in chunk:
            expected.append(pair not in known)
            known.add(pair)
        assert seen.add([source for source, _ in chunk], [target for _, target in chunk]).tolist() == expected


def test_chunks_are_bounded_in_pairs_and_in_characters() -> None:
    many = list(clean_chunks(pairs_of([("a", "b")] * (2 * CHUNK_PAIRS + 1)), drop_duplicates=False))
    assert [chunk.read for chunk in many] == [CHUNK_PAIRS, CHUNK_PAIRS, 1]
    long = list(clean_chunks(pairs_of([("a" * CHUNK_CHARACTERS, "b")] * 3), drop_duplicates=False))
    assert [chunk.read for chunk in long] == [1, 1, 1]


def test_pairs_are_left_out_for_their_tokens() -> None:
    pair_filter = PairFilter(max_length=10, max_length_ratio=2.0)
    pairs = encoded([10, 11, 3, 4, 2, 0, 1], [10, 5, 12, 9, 4, 3, 3])
    assert pair_filter.reasons(pairs) == {
        1: Reason.LENGTH,
        2: Reason.LENGTH,
        3: Reason.RATIO,
        5: Reason.BLANK,
        6: Reason.RATIO,
    }


def test_any_ratio_is_kept_when_none_is_set() -> None:
    assert PairFilter(max_length=10).reasons(encoded([1, 10], [10, 1])) == {}


def test_a_report_counts_all_and_remembers_the_first_places() -> None:
    tally = Tally(2)
    tally.read = 1200
    for line in range(1, 1001):
        tally.leave_out(Reason.LENGTH, Place("a.en", line))
    tally.leave_out(Reason.DUPLICATE, Place("b.en", 7))
    assert tally.report().lines() == [
        "1,200 pairs read, 199 kept",
        "1,000 left out: more tokens than data.max_length (a.en:1, a.en:2, a.en:3, a.en:4, a.en:5, …)",
        "1 left out: the same pair came before (b.en:7)",
    ]


def test_a_report_survives_json() -> None:
    tally = Tally(2)
    tally.read = 3
    tally.leave_out(Reason.BLANK, Place("ä.en", 2))
    report = tally.report()
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
