"""The translation of documents: what is text in them, and nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli.arguments import check_choice
from nmt.cli.files import count_progress
from nmt.cli.glossary import TermWatch
from nmt.cli.logs import logger
from nmt.documents.formats import CATALOGUES, FORMATS, TABLES, TEXT, format_by_name, why_unread
from nmt.errors import ConfigError, DataError
from nmt.libraries import how_to_install

if TYPE_CHECKING:
    from nmt.io.streams import InputStream
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.translator import Translator

LINES_AT_ONCE = 2048
"""Maximum number of lines of a document translated together."""

_MOST_DIGITS = 9  # of the number of a column


@dataclass(frozen=True)
class DocumentArguments:
    """The format of the input, and what of it is translated."""

    input_format: Annotated[
        str,
        typer.Option(help="text, tsv, csv, jsonl, srt, vtt, html, po, xliff, tmx, or auto: by the name of the file."),
    ] = TEXT
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="N|NAME", help="Of a table: a column or field to translate; repeatable."),
    ] = None
    all_units: Annotated[
        bool, typer.Option("--all-units", help="Of PO, XLIFF and TMX: also what has a translation already.")
    ] = False

    def kind(self, input_file: str | None) -> str:
        """Returns the format of the input.

        Raises:
            ConfigError: it cannot be told, or other options do not fit it.
            DataError: by its name it is no text.
        """
        check_choice("--input-format", self.input_format, (*FORMATS, "auto"))
        kind = self.input_format
        if kind == "auto":
            if input_file in (None, "-"):
                raise ConfigError("--input-format", "auto goes by the name of a file, and --input names none")
            if why := why_unread(input_file or ""):
                raise DataError(input_file or "", why)
            kind = format_by_name(input_file or "")
        if self.column and kind not in TABLES:
            raise ConfigError("--column", f"is of {', '.join(TABLES)}, not of {kind}")
        if kind in TABLES and not self.column:
            raise ConfigError("--column", f"is missing: which columns of {kind} are to be translated")
        for column in self.column or ():
            is_number = kind != "jsonl" and column.isascii() and column.isdigit()
            if not column or (is_number and not (column.strip("0") and len(column) <= _MOST_DIGITS)):
                raise ConfigError("--column", "is a number, counted from 1, or a name")
        if self.all_units and kind not in CATALOGUES:
            raise ConfigError("--all-units", f"is of {', '.join(CATALOGUES)}, not of {kind}")
        return kind


def remark_on_document(kind: str, input_file: str | None) -> None:
    """Warns of an input that is read as text and has the name of a document."""
    if kind == TEXT and input_file and format_by_name(input_file) != TEXT:
        what = "is read as text, a line a sentence; --input-format auto reads it as a document"
        logger.warning("%s: %s", input_file, what)


def check_document(kind: str, refused: dict[str, bool]) -> None:
    """Raises ConfigError for given options that mean nothing for a document, and if a library is not installed."""
    given = [option for option, is_given in refused.items() if is_given]
    if given:
        raise ConfigError(given[0], f"makes no sense with --input-format {kind}: a document comes back as a document")
    if importlib.util.find_spec("sentencex") is None:
        raise ConfigError("--input-format", f"{kind} needs sentencex: {how_to_install('documents')}")


def translate_document(
    stream: InputStream,
    given: DocumentArguments,
    kind: str,
    translator: Translator,
    options: TranslateOptions,
    postprocessor: Postprocessor,
    input_file: str,
    output_file: str,
    *,
    quiet: bool,
) -> None:
    """Reads a document, and writes it with the translations of its text: all of it, or nothing if it is broken."""
    from nmt.documents.languages import LanguagePair
    from nmt.documents.opening import Choices, read_parts
    from nmt.io.streams import open_whole_output

    data = translator.config.data
    choices = Choices(given.column or (), given.all_units, LanguagePair(data.source_language, data.target_language))
    watch, done = TermWatch(), 0
    with ExitStack() as stack:
        write = stack.enter_context(open_whole_output(output_file))
        show = count_progress(stack, "translating", "lines", [input_file], output_file, quiet=quiet)
        for part in read_parts(stream, kind, choices, logger.warning):
            lines, attended = part.document.lines, part.document.attended
            translations: list[Translation] = []
            for start in range(0, len(lines), LINES_AT_ONCE):
                chosen = slice(start, start + LINES_AT_ONCE)
                translations += _translated(
                    lines[chosen], attended[chosen], done + start, translator, options, postprocessor
                )
                show(done + len(translations))
            for translation in translations:
                watch.look_at(translation)
            done += len(lines)
            write(part.encoded(part.document.written(translations), stream.name))
    watch.warn()


def _translated(
    lines: Sequence[str],
    attended: Sequence[bool],
    before: int,
    translator: Translator,
    options: TranslateOptions,
    postprocessor: Postprocessor,
) -> list[Translation]:
    """Translates lines, and keeps attention only of those that need it: it is many times as large as they are."""
    found: dict[int, Translation] = {}
    for needs_attention in (False, True):
        places = [place for place, needs in enumerate(attended) if needs == needs_attention]
        if not places:
            continue
        chosen = replace(options, attention=needs_attention or bool(postprocessor))
        numbers = [before + place + 1 for place in places]
        for place, translation in zip(
            places, translator.translate([lines[place] for place in places], chosen, numbers=numbers), strict=True
        ):
            applied = postprocessor.apply(translation)
            found[place] = (
                applied
                if needs_attention
                else replace(
                    applied,
                    outputs=tuple(replace(output, segments=None) for output in applied.outputs[:1]),
                    source_tokens=(),
                )
            )
    return [found[place] for place in range(len(lines))]
