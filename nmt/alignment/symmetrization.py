"""Symmetrization: two alignments of a pair, one of each direction, made one.

Each direction gives every word of its target one word of its source, so that one word for several is possible one way
only. What both agree on is sure, what one has alone is likely where it stands beside what is sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

Link = tuple[int, int]
"""A source word and a target word, counted from 0."""

# By how many target and source words another link may stand off and still touch: beside it first, then at its corners.
_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def grow_diag_final_and(forward: set[Link], backward: set[Link]) -> set[Link]:
    """Grows the intersection by links of the union (Koehn, Och and Marcu 2003; Koehn et al. 2005, section 2.1).

    First by those that touch what is there, also at a corner, and give a word without a link its first one; then by
    those of which neither word has a link. What comes first decides what may come later: links are gone through as in
    Moses' `symal`, by target word and then by source word, those that a pass finds ahead of it in the same pass.
    """
    either, links = forward | backward, forward & backward
    sources, targets = {source for source, _ in links}, {target for _, target in links}

    def add(link: Link) -> None:
        links.add(link)
        sources.add(link[0])
        targets.add(link[1])

    # A word that has a link keeps it, so that what was not worth adding beside a link once never is.
    waiting = [_turned(link) for link in links]
    while waiting:
        heapify(waiting)
        behind: list[Link] = []
        while waiting:
            target, source = heappop(waiting)
            for down, right in _NEIGHBOURS:
                link = source + right, target + down
                if link in either and link not in links and (link[0] not in sources or link[1] not in targets):
                    add(link)
                    if (down, right) > (0, 0):
                        heappush(waiting, _turned(link))
                    else:
                        behind.append(_turned(link))
        waiting = behind
    for direction in (forward, backward):
        for link in sorted(direction, key=_turned):
            if link[0] not in sources and link[1] not in targets:
                add(link)
    return links


def _turned(link: Link) -> Link:
    return link[1], link[0]


SYMMETRIZATIONS: dict[str, Callable[[set[Link], set[Link]], set[Link]]] = {
    "intersection": set.intersection,  # of both directions: few, most of them right (Och and Ney 2003)
    "union": set.union,  # of either direction: many, most of the right ones among them
    "grow-diag-final-and": grow_diag_final_and,
}


def symmetrize(forward: Iterable[Link], backward: Iterable[Link], method: str) -> list[Link]:
    """Makes one alignment of two by one of `SYMMETRIZATIONS`, ordered by source then target.

    Links are (source, target) in the result and in `forward`, which is of the model that translates the source, but
    (target, source) in `backward`, which is of one that translates the target.
    """
    return sorted(SYMMETRIZATIONS[method](set(forward), set(map(_turned, backward))))
