"""Two alignments of a pair, one of each direction, made one.

Each direction gives every word of its target one word of its source, so that one word for several is possible one way
only. What both agree on is sure, what one says alone is likely where it stands beside what is sure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import product

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""


def intersection(forward: set[Link], backward: set[Link]) -> set[Link]:
    """What both directions say: few links, most of them right (Och and Ney 2003)."""
    return forward & backward


def union(forward: set[Link], backward: set[Link]) -> set[Link]:
    """What either says: many links, most of the right ones among them (Och and Ney 2003)."""
    return forward | backward


def grow_diag_final_and(forward: set[Link], backward: set[Link]) -> set[Link]:
    """The intersection, grown by links of the union (Koehn, Och and Marcu 2003; Koehn et al. 2005, section 2.1).

    First by those that touch what is there, also at a corner, and give a word without a link its first one; then by
    those of which neither word has a link.
    """
    either, links = forward | backward, forward & backward
    sources, targets = {source for source, _ in links}, {target for _, target in links}

    def add(link: Link) -> None:
        links.add(link)
        sources.add(link[0])
        targets.add(link[1])

    # A word that has a link keeps it, so that what was not worth adding beside a link once never is.
    waiting = deque(sorted(links))
    while waiting:
        source, target = waiting.popleft()
        for down, right in product((-1, 0, 1), repeat=2):
            link = source + down, target + right
            if link in either and link not in links and (link[0] not in sources or link[1] not in targets):
                add(link)
                waiting.append(link)
    for link in (*sorted(forward), *sorted(backward)):
        if link[0] not in sources and link[1] not in targets:
            add(link)
    return links


SYMMETRIZATIONS: dict[str, Callable[[set[Link], set[Link]], set[Link]]] = {
    "intersection": intersection,
    "union": union,
    "grow-diag-final-and": grow_diag_final_and,
}


def symmetrize(forward: Iterable[Link], backward: Iterable[Link], method: str) -> list[Link]:
    """One alignment of two, ordered by source then target.

    Args:
        forward: of the model that translates the source, as (source, target).
        backward: of one that translates the target into the source, as (target, source).
        method: one of `SYMMETRIZATIONS`.
    """
    turned = {(source, target) for target, source in backward}
    return sorted(SYMMETRIZATIONS[method](set(forward), turned))
