"""Alignments of two directions made one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
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
    # Both (1, 2), at a corner of (2, 1), and (2, 2), beside it, would give target word 2 its first link.
    forward, backward = {(0, 0), (1, 2), (2, 1)}, {(0, 0), (2, 1), (1, 0), (2, 2)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (2, 1), (1, 0), (2, 2)}


def test_what_touches_at_a_corner_grows() -> None:
    # "does not sleep" and "ne dort pas": the words agree, and "pas" touches "not" across the corner.
    forward, backward = {(0, 0), (1, 2), (2, 1)}, {(0, 0), (2, 1), (1, 0)}
    assert grow_diag_final_and(forward, backward) == {(0, 0), (2, 1), (1, 0), (1, 2)}


def scanned(forward: set[tuple[int, int]], backward: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """The same by going over all links again and again, as Moses' `symal` does."""
    links = forward & backward

    def joins(link: tuple[int, int], counted: Callable[[Iterable[bool]], bool]) -> bool:
        free = (all(link[0] != source for source, _ in links), all(link[1] != target for _, target in links))
        return link not in links and counted(free)

    found = True
    while found:
        found, done = False, (-1, -1)
        while later := sorted((target, source) for source, target in links if (target, source) > done):
            target, source = done = later[0]
            beside = [(source, target - 1), (source - 1, target), (source, target + 1), (source + 1, target)]
            corners = [(source + right, target + down) for down in (-1, 1) for right in (-1, 1)]
            for link in (*beside, *corners):
                if link in forward | backward and joins(link, any):
                    links.add(link)
                    found = True
    for direction in (forward, backward):
        for link in sorted(direction, key=lambda link: link[::-1]):
            if joins(link, all):
                links.add(link)
    return links


@given(LINKS, LINKS)
@settings(max_examples=300)
def test_links_grow_in_the_order_of_symal(forward: set[tuple[int, int]], backward: set[tuple[int, int]]) -> None:
    assert grow_diag_final_and(forward, backward) == scanned(forward, backward)


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
