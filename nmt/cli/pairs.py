"""Given pairs of lines: the files of `nmt score` and `nmt align`, and the loop over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.arguments import Tag
from nmt.cli.files import check_files, count_progress, is_regular_file, too_long
from nmt.cli.logs import logger
from nmt.errors import DataError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.io.streams import InputStream
    from nmt.translation.forced_decoding import ForcedPair
    from nmt.translation.translator import Translator

LINES_AT_ONCE = 2048
"""Maximum number of pairs read together, so that those of like length share batches."""

BatchTokens = Annotated[int | None, typer.Option(help="Tokens of the pairs computed at once, by the longer side.")]


@dataclass(frozen=True)
class PairArguments:
    """The files of given pairs, the file of the results, and the tag before each source."""

    src: Annotated[str, typer.Option("--src", metavar="FILE", help="Text, a line a sentence.")]
    tgt: Annotated[str, typer.Option("--tgt", metavar="FILE", help="Its translation, line by line.")]
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Where results go, a line a pair.")] = "-"
    tag: Tag = None

    @contextmanager
    def opened(self) -> Iterator[PairFiles]:
        """Opens the two inputs; the output stays closed, which a model that cannot be loaded would empty.

        Raises:
            ConfigError: the files cannot be used together.
            DataError: one has more lines than the other, as far as files can tell before they are read.
            InputFileError: one cannot be read.
        """
        from nmt.corpus.parallel import CorpusFiles
        from nmt.io.streams import open_input

        check_files([("--src", self.src), ("--tgt", self.tgt)], ("--output", self.output))
        if is_regular_file(self.src) and is_regular_file(self.tgt):
            CorpusFiles((self.src,), (self.tgt,)).check_line_counts()
        with open_input(self.src) as source, open_input(self.tgt) as target:
            yield PairFiles(source, target, self)


@dataclass(frozen=True)
class PairFiles:
    """The two inputs of given pairs, open, and the names that the user gave."""

    source: InputStream
    target: InputStream
    names: PairArguments

    def write_results(
        self, work: str, results: Callable[[list[tuple[Line, Line]]], Iterator[tuple[str, bool]]], *, quiet: bool
    ) -> None:
        """Writes the results of the pairs, as soon as they can be read; a progress bar is named `work`.

        Of pairs that were read together, `results` yields each one's line of output, and whether it was too large.

        Raises:
            DataError: one stream has more lines than the other, or some pairs were too large.
            StorageError: the output cannot be written.
        """
        from nmt.corpus.parallel import ready_pairs
        from nmt.io.streams import open_output

        output = self.names.output
        refused, blamed = 0, set()
        with ExitStack() as stack:
            writer = stack.enter_context(open_output(output))
            inputs = self.names.src, self.names.tgt
            show = count_progress(stack, work, "pairs", inputs, output, quiet=quiet)
            for lines in ready_pairs(self.source, self.target, logger.warning, most=LINES_AT_ONCE):
                for pair, (text, too_large) in zip(lines, results(lines), strict=True):
                    writer.write(text)
                    if too_large:
                        refused += 1
                        blamed |= self._blamed(*pair)
                writer.flush()
                show(lines[-1][0].number)
            if refused:
                places = " and ".join(name for name in (self.source.name, self.target.name) if name in blamed)
                raise DataError(places, too_long(refused, "left out: the output has an empty line for each"))

    def _blamed(self, source: Line, target: Line) -> set[str]:
        """Returns the names of the files whose line is too long; of both where they are too long only together."""
        if not (source.too_long or target.too_long):
            logger.warning("line %d: too long, together with its translation, to be read", source.number)
            return {self.source.name, self.target.name}
        both = (self.source, source), (self.target, target)
        return {stream.name for stream, line in both if line.too_long}


def forced_pairs(
    translator: Translator,
    lines: list[tuple[Line, Line]],
    *,
    attention: bool,
    batch_tokens: int | None,
    tag: str | None = None,
) -> Iterator[ForcedPair]:
    """Scores each pair, behind the tag; one with a line too long to be read is like one that is too large."""
    from nmt.translation.forced_decoding import ForcedPair, force_decode

    readable = [not (source.too_long or target.too_long) for source, target in lines]
    short = [pair for pair, is_readable in zip(lines, readable, strict=True) if is_readable]
    texts, numbers = [(source.text, target.text) for source, target in short], [source.number for source, _ in short]
    found = force_decode(translator, texts, attention=attention, batch_tokens=batch_tokens, numbers=numbers, tag=tag)
    for (source, target), is_readable in zip(lines, readable, strict=True):
        yield next(found) if is_readable else ForcedPair(source.text, target.text, (), None)
