"""`nmt attend`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import options, pictures
from nmt.cli.logs import logger
from nmt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.translator import Translator
    from nmt.visualization.attention_figure import Picture

    Batch = list[tuple[int, Translation]]


def attend(
    model: options.Model,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Sentences; standard input if none.")
    ] = None,
    output_file: Annotated[
        str,
        typer.Option(
            "--output", metavar="FILE", help="A page, .html, or a figure, .png, .svg or .pdf. Text by default."
        ),
    ] = "-",
    alignment_unit: options.AlignmentUnit = "word",
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    max_length: options.MaxLength = None,
    shortlist: options.Shortlist = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the attention of a translation: how much each word of it looked at each word of the source."""
    options.one_of("--alignment-unit", alignment_unit, ("word", "token"))
    if output_file != "-":
        pictures.check_kind(output_file)
    if not text:
        options.check_files([("standard input", "-")], ("--output", output_file))
    options.start(quiet=quiet, verbose=verbose, threads=threads)
    given = options.search_options(
        beam_size=beam_size, length_penalty=length_penalty, max_length=max_length, shortlist=shortlist
    )
    translator = options.load_translator(model, device=device, precision=precision)
    search = translator.options(attention=True, **given)
    place = "TEXT" if text else "standard input"
    if pictures.is_page(output_file):
        from nmt.cli.attention_page import write_page

        write_page(translator, search, _lines(text), place, alignment_unit, output_file)
        return
    too_long: list[int] = []
    batches = _batches(translator, search, _lines(text), too_long)
    if output_file == "-":
        _show(translator, batches, alignment_unit)
    else:
        _draw(translator, batches, place, alignment_unit, Path(output_file), too_long)
    _tell_of(too_long)


def _tell_of(too_long: Sequence[int]) -> None:
    if too_long:
        raise DataError("standard input", f"too long, and left out: {len(too_long)}")


def _lines(text: Sequence[str] | None) -> Iterator[list[Line]]:
    """The sentences that were given, or those of standard input as they come."""
    from nmt.io.lines import Line, ready_lines
    from nmt.io.streams import open_input

    if text:
        # Python decoded the arguments by the locale; text is UTF-8 in any.
        typed = [os.fsencode(line) for line in text]
        lines = [Line(number, line.decode(errors="replace")) for number, line in enumerate(typed, start=1)]
        for line, given in zip(lines, typed, strict=True):
            if line.text.encode() != given:
                logger.warning("TEXT:%d: invalid UTF-8, replaced by U+FFFD", line.number)
        yield lines
        return
    with open_input("-") as stream:
        yield from ready_lines(stream, logger.warning, most=64)


def _batches(
    translator: Translator, search: TranslateOptions, given: Iterator[list[Line]], too_long: list[int]
) -> Iterator[Batch]:
    """The translations with the numbers of their lines, as soon as they can be made.

    The numbers of lines that are too long to be read are put into `too_long`.
    """
    for lines in given:
        too_long += [line.number for line in lines if line.too_long]
        numbers = [line.number for line in lines]
        found = translator.translate([line.text for line in lines], search, numbers=numbers)
        yield list(zip(numbers, found, strict=True))


def _show(translator: Translator, batches: Iterator[Batch], unit: str) -> None:
    """Writes text to standard output."""
    from nmt.io.streams import open_output
    from nmt.io.terminal import columns_of_output, visible
    from nmt.visualization.heatmap import heatmap

    columns = columns_of_output()
    color = columns is not None and not os.environ.get("NO_COLOR")
    with open_output("-") as writer:
        for batch in batches:
            for _, translation in batch:
                writer.write(visible(translation.source))
                writer.write(visible(translation.text))
                drawn = _pictures(translation, unit)
                for place, part in enumerate(drawn):
                    for line in [""] * (place > 0) + heatmap(*part, color=color, columns=columns):
                        writer.write(line)
                if translation.outputs and not drawn:
                    writer.write(_why_nothing_is_shown(translator))
                writer.write("")
            writer.flush()


def _why_nothing_is_shown(translator: Translator) -> str:
    """What there is to say where a translation has no attention to be looked at."""
    if translator.config.model.attention != "none":
        return "(the translation has no words, so there is nothing to show)"
    size = 2 * translator.config.model.encoder.hidden_size
    return (
        "(this model has no attention, so there is nothing to show: at every word its decoder had the same vector of "
        f"{size} numbers instead, the last states of the encoder, which read the source forwards and backwards)"
    )


def _draw(
    translator: Translator,
    batches: Iterator[Batch],
    place: str,
    unit: str,
    output_file: Path,
    too_long: Sequence[int],
) -> None:
    """Writes figures of the lines, whose `place` errors name.

    Raises:
        ConfigError: the model has no attention.
        DataError: there is no line, or nothing to draw in any, or there are too many.
        StorageError: a file cannot be written, or no font has a character of the text.
    """
    if translator.config.model.attention == "none":
        what = "needs a model with attention; `nmt attend` without it tells what this one has instead"
        raise ConfigError("--output", what)
    from nmt.io.atomic_files import check_output
    from nmt.visualization.attention_figure import MOST_LINES, write_figures

    check_output(output_file)  # told before the work is done
    found: list[Picture] = []
    count = 0
    for batch in batches:
        count += len(batch)
        if count > MOST_LINES:
            break
        for number, translation in batch:
            of_line = _pictures(translation, unit)
            found += of_line
            if not of_line:
                logger.warning("line %d: there is nothing to draw", number)
    pictures.check_count(place, count, MOST_LINES, "are drawn at once")
    if not found:
        _tell_of(too_long)
        raise DataError(place, "no line has a translation to draw")
    write_figures(found, output_file)


def _pictures(translation: Translation, unit: str) -> list[Picture]:
    """What there is to draw of a line, one for each part of it."""
    from nmt.alignment.units import attention_in

    return [picture for output in translation.outputs[:1] for picture in attention_in(unit, translation, output)]
