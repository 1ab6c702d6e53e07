"""Writing the sets: the text of a store goes into the files of its sets, and what is in none to the rejected pairs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import compress
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from nmt.preparation.rejections import Rejections
from nmt.preparation.report import REASONS
from nmt.preparation.store import Fate, PairColumns, PairStore, TextBlock

SET_NAMES = {Fate.TRAINING: "train", Fate.VALIDATION: "validation", Fate.TEST: "test"}
SAMPLED_PAIRS = 50_000
_SAMPLED_CHARACTERS = 1000  # of a line


class TrainingSample(NamedTuple):
    """Sentences from all over the training set."""

    sources: list[str]
    targets: list[str]


def write_sets(
    store: PairStore,
    columns: PairColumns,
    folder: Path,
    languages: tuple[str, str],
    rejections: Rejections,
    progress: Callable[[int], None],
) -> TrainingSample:
    """Writes the files of all sets that have a pair, and returns a sample of the training set.

    `progress` is called with the number of pairs dealt with; an exception from it ends the work.
    """
    counts = columns.fates()
    sample = TrainingSample([], [])
    step = 1 + counts[Fate.TRAINING] // SAMPLED_PAIRS
    with ExitStack() as stack:
        files: dict[Fate, tuple[IO[bytes], ...]] = {
            fate: tuple(stack.enter_context((folder / f"{name}.{language}").open("wb")) for language in languages)
            for fate, name in SET_NAMES.items()
            if counts[fate]
        }
        for block in store.texts():
            fates = columns.fate[block.start : block.start + len(block.sources)]
            for fate, sides in files.items():
                chosen = (fates == fate).tolist()
                for file, lines in zip(sides, (block.sources, block.targets), strict=True):
                    file.write(b"".join(compress(lines, chosen)))
            _reject(block, columns, rejections)
            drawn = np.flatnonzero(fates == Fate.TRAINING)[::step].tolist()
            for texts, lines in zip(sample, (block.sources, block.targets), strict=True):
                texts += [lines[index][: 4 * _SAMPLED_CHARACTERS].decode(errors="ignore").strip() for index in drawn]
            progress(block.start + len(block.sources))
    return sample


def _reject(block: TextBlock, columns: PairColumns, rejections: Rejections) -> None:
    fates = columns.fate[block.start : block.start + len(block.sources)]
    for index in np.flatnonzero(fates > Fate.TEST).tolist():
        row = block.start + index
        source, target = (lines[index].decode().removesuffix("\n") for lines in (block.sources, block.targets))
        reason = REASONS[Fate(int(fates[index]))]
        rejections.add(reason, int(columns.file[row]), int(columns.number[row]), source, target)
