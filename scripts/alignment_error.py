"""Alignment error rate of alignments against a gold one, all in Pharaoh format (`0-0 1-2`, a line a pair).

    .venv/bin/python scripts/alignment_error.py GOLD ALIGNMENT…

AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|) of Och and Ney (2003), over all pairs together, where the gold's links
are sure (S, `0-0`) or possible (`0?0`); sure ones are possible, too (P).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LINK = re.compile(r"(\d+)([-?])(\d+)")

Links = set[tuple[int, int]]


class Score(NamedTuple):
    """The error rate, precision and recall of an alignment, each in [0, 1], and its number of links."""

    error: float
    precision: float  # links that are possible
    recall: float  # sure links that were found
    links: int


def read(path: Path) -> list[tuple[Links, Links]]:
    """Reads the sure and the possible links of each pair."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeError) as error:
        raise SystemExit(f"{path}: {error}") from error
    if not lines[-1]:  # what stands behind the last line feed
        del lines[-1]
    pairs = []
    for number, line in enumerate(lines, start=1):
        sure, possible = set(), set()
        for word in line.split():
            found = LINK.fullmatch(word)
            if found is None:
                raise SystemExit(f"{path}:{number}: {word!r} is no link such as 0-0")
            link = int(found[1]), int(found[3])
            possible.add(link)
            if found[2] == "-":
                sure.add(link)
        pairs.append((sure, possible))
    return pairs


def score(gold: Iterable[tuple[Links, Links]], alignment: Iterable[Links]) -> Score:
    """Scores an alignment of the same pairs."""
    found = in_sure = in_possible = all_sure = 0
    for (sure, possible), links in zip(gold, alignment, strict=True):
        found += len(links)
        all_sure += len(sure)
        in_sure += len(links & sure)
        in_possible += len(links & possible)
    both = found + all_sure
    return Score(
        error=1 - (in_sure + in_possible) / both if both else 0.0,
        precision=in_possible / found if found else 1.0,
        recall=in_sure / all_sure if all_sure else 1.0,
        links=found,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", type=Path)
    parser.add_argument("alignments", type=Path, nargs="+", metavar="ALIGNMENT")
    arguments = parser.parse_args()
    gold = read(arguments.gold)
    print("   AER  precision  recall  links  alignment")
    for path in arguments.alignments:
        links = [possible for _, possible in read(path)]
        if len(links) != len(gold):
            raise SystemExit(f"{path}: {len(links)} lines, but {arguments.gold} has {len(gold)}; expected as many")
        found = score(gold, links)
        print(f"{found.error:6.3f} {found.precision:10.3f} {found.recall:7.3f} {found.links:6d}  {path}")


if __name__ == "__main__":
    main()
