"""Makes longer sentences of a corpus by joining neighbouring pairs: one to four together, as drawn by a seed.

    .venv/bin/python scripts/join_pairs.py SOURCE TARGET JOINED_SOURCE JOINED_TARGET [--most N] [--seed N] [--each-size]

Every pair is used once; with `--each-size` once alone, once with one neighbour, and so on, so that the same text is
there in every length. A pair with a blank side is left out. Names that end in .gz are read and written compressed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.errors import ConfigError, NmtError
from nmt.io.lines import is_blank
from nmt.io.streams import open_output

Pair = tuple[str, str]


def joined(pairs: Iterable[Pair], sizes: Iterator[int]) -> Iterator[Pair]:
    """Joins pairs in their order, each group of `sizes` with spaces; the last group may be smaller."""
    group: list[Pair] = []
    size = next(sizes)
    for pair in pairs:
        group.append(pair)
        if len(group) == size:
            yield _one_of(group)
            group, size = [], next(sizes)
    if group:
        yield _one_of(group)


def _one_of(group: list[Pair]) -> Pair:
    source, target = (" ".join(line.strip() for line in lines) for lines in zip(*group, strict=True))
    return source, target


def drawn_sizes(most: int, seed: int) -> Iterator[int]:
    """Draws sizes from 1 to `most`, evenly; the same for the same seed."""
    generator = random.Random(seed)
    while True:
        yield generator.randint(1, most)


def same_size(size: int) -> Iterator[int]:
    """Yields `size` for ever."""
    while True:
        yield size


def read(corpus: CorpusFiles, warn: Callable[[str], None]) -> Iterator[Pair]:
    """Reads the pairs of a corpus, except those with a blank side or a line too long to be read, of which it warns."""
    left_out = 0
    for pair in read_pairs(corpus, warn):
        if pair.too_long or is_blank(pair.source) or is_blank(pair.target):
            left_out += 1
        else:
            yield pair.source, pair.target
    if left_out:
        warn(f"{corpus.source[0]}: left out, since a side is blank or too long: {left_out}")


def print_warning(message: str) -> None:
    """Writes to standard error."""
    print(message, file=sys.stderr)


def ignore_warning(_: str) -> None:
    """Ignores a warning that was printed already."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("source", "target", "joined_source", "joined_target"):
        parser.add_argument(name)
    parser.add_argument("--most", type=int, default=4, help="pairs joined at most; 4 by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each-size", action="store_true", help="every pair in every size, 1 to --most")
    arguments = parser.parse_args()
    if arguments.most < 1:
        parser.error("--most is below 1")
    files = [arguments.source, arguments.target, arguments.joined_source, arguments.joined_target]
    try:
        if len(set(map(os.path.realpath, files))) < len(files) or "-" in files:
            raise ConfigError("join_pairs", "expected four different files")
        # Before the outputs are opened, which empties them.
        corpus = CorpusFiles((arguments.source,), (arguments.target,))
        corpus.check_present()
        corpus.check_line_counts()
        sizes = [drawn_sizes(arguments.most, arguments.seed)]
        if arguments.each_size:
            sizes = [same_size(size) for size in range(1, arguments.most + 1)]
        with open_output(arguments.joined_source) as source, open_output(arguments.joined_target) as target:
            for of_sizes, warn in zip(sizes, chain([print_warning], repeat(ignore_warning)), strict=False):
                for pair in joined(read(corpus, warn), of_sizes):
                    source.write(pair[0])
                    target.write(pair[1])
    except NmtError as error:
        print(f"join_pairs: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
