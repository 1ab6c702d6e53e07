"""The files of parallel text that a configuration names: where their pairs stand, how often they come, their tags."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field

from nmt.config.section import Section
from nmt.config.types import Columns, Expected, Factor, FilePaths, Tag, as_items


class ParallelFiles(Section):
    """Parallel files: line n of one side translates line n of the other, or both stand in columns of one line."""

    source: FilePaths | None = Field(
        default=None, description="text in the source language; several files are read one after the other"
    )
    target: FilePaths | None = Field(default=None, description="its translation, line by line; as many files")
    pairs: FilePaths | None = Field(
        default=None,
        description="in place of `source` and `target`, files with both in each line, in columns parted by tabs",
    )
    columns: Columns = Field(default=(1, 2), description="of `pairs`, the columns of source and target, counted from 1")
    tag: Tag | None = Field(
        default=None, description="token put before each source sentence, as `nmt translate --tag` does"
    )

    @property
    def paths(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files of source and target; the same ones where each line holds both."""
        return (self.pairs, self.pairs) if self.pairs else (self.source or (), self.target or ())

    def swapped(self) -> Self:
        """Returns the same files for the other direction; the tag stays."""
        if self.pairs:
            return self.model_copy(update={"columns": self.columns[::-1]})
        return self.model_copy(update={"source": self.target, "target": self.source})


class TrainingFiles(ParallelFiles):
    """The parallel files of one of the corpora that a training draws from."""

    weight: Factor = Field(
        default=1.0, description="how often an epoch has each of the pairs: 2 is twice, 0.5 every other epoch"
    )


_SEVERAL = BeforeValidator(as_items), Field(min_length=1), Expected("a mapping of keys or a list of these")
TrainingSets = Annotated[tuple[TrainingFiles, ...], *_SEVERAL]
ValidationSets = Annotated[tuple[ParallelFiles, ...], *_SEVERAL]


def distinct_tags(sets: tuple[ParallelFiles, ...]) -> tuple[str, ...]:
    """Returns the tags of sets of files, each once, in their order."""
    return tuple(dict.fromkeys(files.tag for files in sets if files.tag is not None))
