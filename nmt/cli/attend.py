"""`nmt attend`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from nmt.cli import options
from nmt.cli.logs import logger


def attend(
    model: options.Model,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Sentences; standard input if none.")
    ] = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    max_length: options.MaxLength = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Show the attention of a translation: how much each word of it looked at each word of the source."""
    options.start(quiet=quiet, verbose=verbose, threads=threads)
    from nmt.alignment.formats import attention_of_words
    from nmt.alignment.heatmap import heatmap
    from nmt.text.files import open_input, open_output
    from nmt.text.lines import ready_lines

    translator = options.load_translator(model, device=device, precision=precision)
    search = translator.options(
        attention=True,
        **options.search_options(beam_size=beam_size, length_penalty=length_penalty, max_length=max_length),
    )
    color = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    with open_output("-") as writer:

        def show(lines: list[str]) -> None:
            for translation in translator.translate(lines, search):
                writer.write(translation.source)
                writer.write(translation.text)
                weights = attention_of_words(translation, translation.outputs[0]) if translation.outputs else None
                if weights is not None:
                    words = translation.source.split(), translation.text.split()
                    for line in heatmap(*words, weights, color=color):
                        writer.write(line)
                elif translation.outputs:
                    writer.write("(this model has no attention: all it knew of the source was one fixed vector)")
                writer.write("")
            writer.flush()

        if text:
            show(text)
        else:
            with open_input("-") as stream:
                for lines in ready_lines(stream, logger.warning, most=64):
                    show([line.text for line in lines])
