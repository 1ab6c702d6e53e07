"""Alignments of two directions made one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.alignment.symmetrization import SYMMETRIZATIONS, grow_diag_final_and, symmetrize

LINKS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def turned(links: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(target, source) for source, target in links}


def test_the_other_direction_is_turned() -> None:
    forward, backward = [(1, 0), (2, 1)], [(0, 1), (5, 7)]
    assert symmetrize(forward, backward, "intersection") == [(1, 0)]
    assert symmetrize(forward, backward, "union") == [(1, 0), (2, 1), (7, 5)]


def test_what_touches_the_intersection_grows() -> None:
    # "does not sleep" and "ne dort pas": the words agree, and "pas" touches "not" across the corner.
    forward, backward = {(0, 0), (1, 2), (2, 1)}, {(0, 0), (2, 1), (1, 0), (2, 2)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (2, 1), (1, 0), (1, 2)}


def test_a_word_with_a_link_gains_none_from_another_that_has_one() -> None:
    forward, backward = {(0, 0), (1, 1), (1, 0)}, {(0, 0), (1, 1)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (1, 1)}


@pytest.mark.parametrize("turn", [False, True])
def test_at_last_two_words_without_a_link_are_joined(turn: bool) -> None:
    forward, backward = {(0, 0), (5, 5), (0, 4)}, {(0, 0)}
    if turn:
        forward, backward = backward, forward
    # (0, 4) touches nothing, and word 0 has a link.
    assert grow_diag_final_and(forward, backward) == {(0, 0), (5, 5)}


@given(LINKS, LINKS)
def test_growing_stays_between_intersection_and_union(
    forward: set[tuple[int, int]], other: set[tuple[int, int]]
) -> None:
    found = {method: set(symmetrize(forward, turned(other), method)) for method in SYMMETRIZATIONS}
    assert found["intersection"] <= found["grow-diag-final-and"] <= found["union"]
    # Two words that only the union joins may stay apart where one of them has a link.
    for source, target in found["union"]:
        links = found["grow-diag-final-and"]
        assert any(link[0] == source or link[1] == target for link in links)


@given(LINKS)
def test_what_agrees_stays(links: set[tuple[int, int]]) -> None:
    for method in SYMMETRIZATIONS:
        assert symmetrize(links, turned(links), method) == sorted(links)
