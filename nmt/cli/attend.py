"""`nmt attend`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments, graphics
from nmt.cli.arguments import check_choice, check_tag, search_options
from nmt.cli.files import check_files, too_long
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, start
from nmt.cli.typed_text import tell_of_terminal, typed_lines
from nmt.cli.whole_lines import SentenceWatch, check_sentences
from nmt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nmt.alignment.attention_matrix import AttentionMatrix
    from nmt.io.lines import Line
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.trace import SegmentTrace
    from nmt.translation.translator import Translator

    Batch = list[tuple[int, Translation]]


@expand_groups
def attend(
    model: arguments.Model,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Sentences; standard input if none.")
    ] = None,
    *,
    output_file: Annotated[
        str,
        typer.Option(
            "--output", metavar="FILE", help="A page, .html, or a figure, .png, .svg or .pdf. Text by default."
        ),
    ] = "-",
    output_format: arguments.OutputFormat = "text",
    alignment_unit: arguments.AlignmentUnit = "word",
    lines: arguments.LineArguments,
    search: arguments.SearchArguments,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Show the attention of a translation: how much each word of it looked at each word of the source."""
    check_choice("--format", output_format, ("text", "json"))
    check_choice("--alignment-unit", alignment_unit, ("word", "token"))
    if output_format == "json" and output_file != "-":
        raise ConfigError("--format", f"json goes to standard output: expected no --output, not {output_file!r:.80}")
    if output_file != "-":
        graphics.check_kind(output_file)
    check_sentences(lines)
    if not text:
        check_files([("standard input", "-")], ("--output", output_file))
    start(log, compute)
    given = search_options(**asdict(search))
    translator = load_translator(model, compute)
    check_tag(translator.tokenizers, lines.tag)
    options = translator.options(attention=True, **asdict(lines), **given)
    where = "TEXT" if text else "standard input"
    watched = _watched(_lines(text), SentenceWatch(where, lines, quiet=log.quiet))
    if graphics.is_page(output_file):
        _write_page(translator, options, watched, where, alignment_unit, output_file)
        return
    too_long: list[int] = []
    if output_format == "json":
        _write_traces(translator, options, watched, too_long)
        _refuse_too_long(where, len(too_long))
        return
    batches = _batches(translator, options, watched, too_long)
    if output_file == "-":
        _write_heat_maps(translator, batches, alignment_unit)
    else:
        matrices = _matrices_to_draw(translator, batches, where, alignment_unit, output_file)
        if not matrices:
            _refuse_too_long(where, len(too_long))
            raise DataError(where, "no line has a translation to draw")
        from nmt.visualization.attention_figure import write_figures

        write_figures(matrices, Path(output_file))
    _refuse_too_long(where, len(too_long))


def _refuse_too_long(where: str, number: int) -> None:
    if number:
        raise DataError(where, too_long(number, "left out"))


def _lines(text: Sequence[str] | None) -> Iterator[list[Line]]:
    """Yields the sentences that were given, or those of standard input as they come."""
    from nmt.io.lines import ready_lines
    from nmt.io.streams import open_input

    if text:
        yield typed_lines(text)
        return
    tell_of_terminal()
    with open_input("-") as stream:
        yield from ready_lines(stream, logger.warning, most=64)


def _watched(given: Iterator[list[Line]], watch: SentenceWatch) -> Iterator[list[Line]]:
    for lines in given:
        watch.look_at((line.number, line.text) for line in lines)
        yield lines


def _batches(
    translator: Translator, options: TranslateOptions, given: Iterator[list[Line]], too_long: list[int]
) -> Iterator[Batch]:
    """Yields translations with the numbers of their lines, as soon as they can be made.

    The numbers of lines that are too long to be read are added to `too_long`.
    """
    for lines in given:
        too_long += [line.number for line in lines if line.too_long]
        numbers = [line.number for line in lines]
        found = translator.translate([line.text for line in lines], options, numbers=numbers)
        yield list(zip(numbers, found, strict=True))


def _write_traces(
    translator: Translator, options: TranslateOptions, given: Iterator[list[Line]], too_long: list[int]
) -> None:
    """Writes the trace of each line as JSON to standard output, one after the other, so that memory is that of one."""
    from nmt.cli.formats.traces import MAX_NUMBERS, as_json, is_left_out
    from nmt.io.streams import open_output

    state_size = 2 * translator.config.model.encoder.hidden_size
    with open_output("-") as writer:
        for lines in given:
            too_long += [line.number for line in lines if line.too_long]
            for line in lines:
                translation, segments = _traced(translator, options, line, MAX_NUMBERS // state_size)
                if is_left_out(segments):
                    logger.warning("line %d: has more than %d numbers: left out", line.number, MAX_NUMBERS)
                writer.write(as_json(translation, segments))
            writer.flush()


def _traced(
    translator: Translator, options: TranslateOptions, line: Line, tokens: int
) -> tuple[Translation, tuple[SegmentTrace, ...] | None]:
    """Returns the translation of a line and its traces; None for them if it has more tokens than are traced."""
    if len(translator.tokenizers.source.encode([line.text])[0]) >= tokens:
        return translator.translate([line.text], options, numbers=[line.number])[0], None
    [trace] = translator.attend_lines([line.text], options, numbers=[line.number])
    return trace.translation, trace.segments


def _write_heat_maps(translator: Translator, batches: Iterator[Batch], unit: str) -> None:
    """Writes heat maps as text to standard output."""
    from nmt.io.background import luminance_of_background
    from nmt.io.streams import open_output
    from nmt.io.terminal import columns_of_output, visible
    from nmt.visualization.heatmap import heatmap

    columns = columns_of_output()
    color = columns is not None and not os.environ.get("NO_COLOR")
    background = luminance_of_background() if color else None
    with open_output("-") as writer:
        for batch in batches:
            for _, translation in batch:
                writer.write(visible(translation.source))
                writer.write(visible(translation.text))
                matrices = _matrices(translation, unit)
                for index, matrix in enumerate(matrices):
                    drawn = heatmap(*matrix, color=color, columns=columns, background=background)
                    for line in [""] * (index > 0) + drawn:
                        writer.write(line)
                if translation.outputs and not matrices:
                    writer.write(_reason_for_nothing(translator))
                writer.write("")
            writer.flush()


def _reason_for_nothing(translator: Translator) -> str:
    """Returns a remark in place of the heat map of a translation without attention."""
    if translator.has_attention:
        return "(the translation has no words, so there is nothing to show)"
    size = 2 * translator.config.model.encoder.hidden_size
    return (
        "(this model has no attention, so there is nothing to show: at every word its decoder had the same vector of "
        f"{size} numbers instead, the last states of the encoder, which read the source forwards and backwards)"
    )


def _write_page(
    translator: Translator, options: TranslateOptions, batches: Iterator[list[Line]], where: str, unit: str, output: str
) -> None:
    """Writes the attention page of lines.

    Raises:
        DataError: no lines, more than a page can show, or some that are too long; with the last, the page is written.
        StorageError: the page cannot be written. What was there before is untouched.
    """
    from nmt.io.atomic_files import check_output, write_output
    from nmt.visualization.attention_page.document import MAX_LINES, attention_page, check_tokens

    check_output(Path(output))  # reported before the work is done
    lines: list[Line] = []
    for batch in batches:
        lines += batch
        if len(lines) > MAX_LINES:
            break
    graphics.check_count(where, len(lines), MAX_LINES, "a page shows")
    texts = [line.text for line in lines]
    check_tokens(sum(map(len, translator.tokenizers.source.encode(texts))), translator.config, where)
    traced = translator.attend_lines(texts, options, numbers=[line.number for line in lines])
    write_output(Path(output), attention_page(traced, unit, where).encode())
    _refuse_too_long(where, sum(line.too_long for line in lines))


def _matrices_to_draw(
    translator: Translator, batches: Iterator[Batch], where: str, unit: str, output_file: str
) -> list[AttentionMatrix]:
    """Returns the attention of all lines, for figures.

    Raises:
        ConfigError: the model has no attention.
        DataError: there is no line, or there are too many; `where` they come from is named.
        StorageError: the output cannot be written.
    """
    if not translator.has_attention:
        what = "needs a model with attention; `nmt attend` without it tells what this one has instead"
        raise ConfigError("--output", what)
    from nmt.io.atomic_files import check_output
    from nmt.visualization.attention_figure import MAX_LINES

    check_output(Path(output_file))  # reported before the work is done
    found: list[AttentionMatrix] = []
    count = 0
    for batch in batches:
        count += len(batch)
        if count > MAX_LINES:
            break
        for number, translation in batch:
            matrices = _matrices(translation, unit)
            found += matrices
            if not matrices:
                logger.warning("line %d: there is nothing to draw", number)
    graphics.check_count(where, count, MAX_LINES, "are drawn at once")
    return found


def _matrices(translation: Translation, unit: str) -> list[AttentionMatrix]:
    """Returns the attention of the best translation, a matrix for each segment of the line."""
    from nmt.alignment.attention_matrix import attention_matrices

    return [matrix for output in translation.outputs[:1] for matrix in attention_matrices(translation, output, unit)]
