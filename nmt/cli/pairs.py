"""What the commands that read given pairs share: their files, and the loop over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import DataError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.io.streams import InputStream
    from nmt.translation.forced_decoding import ForcedPair
    from nmt.translation.translator import Translator

LINES_AT_ONCE = 2048  # read together at most, so that those of like length share batches

Source = Annotated[str, typer.Option("--src", metavar="FILE", help="Text, a line a sentence.")]
Target = Annotated[str, typer.Option("--tgt", metavar="FILE", help="Its translation, line by line.")]
Output = Annotated[str, typer.Option("--output", metavar="FILE", help="Where results go, a line a pair.")]
BatchTokens = Annotated[int | None, typer.Option(help="Tokens of the pairs computed at once, by the longer side.")]


class Answer(NamedTuple):
    """What is written of a pair."""

    text: str
    refused: bool  # whether the pair is too large to be read


@dataclass(frozen=True)
class PairFiles:
    """The two inputs, open, and where the results go; the names are those that the user gave."""

    source: InputStream
    target: InputStream
    names: tuple[str, str]
    output: str

    def answer(self, what: str, answer: Callable[[list[tuple[Line, Line]]], Iterator[Answer]], *, quiet: bool) -> None:
        """Writes what `answer` makes of the pairs, as soon as they can be read; `what` is being done meanwhile.

        Raises:
            DataError: one stream has more lines than the other, or some pairs were too large.
            StorageError: the output cannot be written.
        """
        from nmt.corpus.parallel import ready_pairs
        from nmt.io.streams import open_output

        refused, blamed = 0, set()
        with ExitStack() as files:
            writer = files.enter_context(open_output(self.output))
            show = options.shown_count(files, what, "pairs", self.names, self.output, quiet=quiet)
            for lines in ready_pairs(self.source, self.target, logger.warning, most=LINES_AT_ONCE):
                for (line, other), (text, is_refused) in zip(lines, answer(lines), strict=True):
                    writer.write(text)
                    if not is_refused:
                        continue
                    refused += 1
                    together = not (line.too_long or other.too_long)
                    if together:
                        logger.warning("line %d: too long, together with its translation, to be read", line.number)
                    blamed |= {self.source.name} if line.too_long or together else set()
                    blamed |= {self.target.name} if other.too_long or together else set()
                writer.flush()
                show(lines[-1][0].number)
            if refused:
                places = " and ".join(name for name in (self.source.name, self.target.name) if name in blamed)
                raise DataError(places, f"too long, and answered with empty lines: {refused}")


@contextmanager
def opened(src: str, tgt: str, output: str) -> Iterator[PairFiles]:
    """The files that belong together, the output not opened yet: what a model that cannot be loaded would empty.

    Raises:
        ConfigError: the files cannot be used together.
        DataError: one has more lines than the other, as far as files can tell before they are read.
        InputFileError: one cannot be read.
    """
    from nmt.corpus.parallel import CorpusFiles
    from nmt.io.streams import open_input

    options.check_files([("--src", src), ("--tgt", tgt)], ("--output", output))
    if options.is_regular_file(src) and options.is_regular_file(tgt):
        CorpusFiles((src,), (tgt,)).check_line_counts()
    with open_input(src) as source, open_input(tgt) as target:
        yield PairFiles(source, target, (src, tgt), output)


def forced_pairs(
    translator: Translator, lines: list[tuple[Line, Line]], *, attention: bool, batch_tokens: int | None
) -> Iterator[ForcedPair]:
    """What the model makes of each pair; one with a line too long to be read is like one that is too large."""
    from nmt.translation.forced_decoding import ForcedPair, force_decode

    readable = [not (source.too_long or target.too_long) for source, target in lines]
    short = [pair for pair, is_readable in zip(lines, readable, strict=True) if is_readable]
    found = force_decode(
        translator,
        [(source.text, target.text) for source, target in short],
        attention=attention,
        batch_tokens=batch_tokens,
        numbers=[source.number for source, _ in short],
    )
    for (source, target), is_readable in zip(lines, readable, strict=True):
        yield next(found) if is_readable else ForcedPair(source.text, target.text, (), None)
