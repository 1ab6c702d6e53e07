"""`nmt attend`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import ConfigError, DataError

SUFFIXES = (".html",)


def attend(
    model: options.Model,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Sentences; standard input if none.")
    ] = None,
    output: Annotated[
        str, typer.Option(metavar="FILE", help="A page to write instead of text: FILE ends in .html.")
    ] = "-",
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
    kind = _kind_of(output)
    if not text:
        options.check_files([("standard input", "-")], ("--output", output))
    options.start(quiet=quiet, verbose=verbose, threads=threads)
    from nmt.alignment.formats import attention_of_parts
    from nmt.alignment.heatmap import heatmap
    from nmt.text.files import open_input, open_output
    from nmt.text.lines import ready_lines

    given = options.search_options(
        beam_size=beam_size, length_penalty=length_penalty, max_length=max_length, shortlist=shortlist
    )
    translator = options.load_translator(model, device=device, precision=precision)
    search = translator.options(attention=True, **given)
    if kind == ".html":
        from nmt.cli.attention_page import write_page

        write_page(translator, search, text or [], output)
        return
    terminal = sys.stdout is not None and sys.stdout.isatty()
    color = terminal and not os.environ.get("NO_COLOR")
    columns = shutil.get_terminal_size().columns if terminal else None

    with open_output("-") as writer:

        def show(lines: list[str], first: int = 1) -> None:
            for translation in translator.translate(lines, search, numbers=range(first, first + len(lines))):
                writer.write(translation.source)
                writer.write(translation.text)
                for output in translation.outputs[:1]:
                    for number, part in enumerate(attention_of_parts(translation, output)):
                        for line in [""] * (number > 0) + heatmap(*part, color=color, columns=columns):
                            writer.write(line)
                    if output.parts is None:
                        writer.write("(this model has no attention: all it knew of the source was one fixed vector)")
                writer.write("")
            writer.flush()

        if text:
            show(text)
        else:
            too_long = 0
            with open_input("-") as stream:
                for lines in ready_lines(stream, logger.warning, most=64):
                    too_long += sum(line.too_long for line in lines)
                    show([line.text for line in lines], first=lines[0].number)
            if too_long:
                raise DataError(stream.name, f"too long, and left out: {too_long}")


def _kind_of(output: str) -> str | None:
    """The suffix that says what to write there; None for text on standard output.

    Raises:
        ConfigError: no suffix that is known.
    """
    if output == "-":
        return None
    suffix = Path(output).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("--output", f"ends in {' or '.join(SUFFIXES)}, not {output!r:.80}")
    return suffix
