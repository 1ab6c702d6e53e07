"""`nmt translate`."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nmt.search.sampling import SamplingOptions

LINES_AT_ONCE = 2048  # translated together at most, so that those of like length share batches


def translate(
    model: options.Model,
    input_file: Annotated[str, typer.Option("--input", metavar="FILE", help="Text, a line a sentence.")] = "-",
    output_file: Annotated[str, typer.Option("--output", metavar="FILE", help="Where translations go.")] = "-",
    n_best: Annotated[int, typer.Option(min=1, help="Translations of each line; the beam is as wide at least.")] = 1,
    output_format: Annotated[
        str | None, typer.Option("--format", help="text, json or moses; moses by default when --n-best is above 1.")
    ] = None,
    alignment: Annotated[str, typer.Option(help="Which words each word came from: none, hard or soft.")] = "none",
    prefix: Annotated[
        str | None, typer.Option(metavar="FILE", help="What each translation must begin with, a line for each.")
    ] = None,
    no_repeat_ngram: Annotated[int | None, typer.Option(min=0, help="No n-gram of this length twice.")] = None,
    coverage_penalty: Annotated[float | None, typer.Option(min=0.0, help="Weight of the coverage penalty.")] = None,
    max_length_ratio: Annotated[
        float | None, typer.Option(min=0.0, help="Longest translation relative to the source's tokens.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Draw at random instead of searching for the best.")] = False,
    temperature: Annotated[float, typer.Option(help="Of --sample.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Of --sample: the K most probable tokens only; 0 for all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Of --sample: the most probable tokens that add up to P.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of --sample.")] = 1,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    max_length: options.MaxLength = None,
    batch_tokens: options.BatchTokens = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Translate: one line in, one line out."""
    shape = options.one_of("--format", output_format or ("moses" if n_best > 1 else "text"), ("text", "json", "moses"))
    options.one_of("--alignment", alignment, ("none", "hard", "soft"))
    if alignment == "soft" and shape != "json":
        raise ConfigError("--alignment", f"soft needs --format json, not {shape}")
    options.start(quiet=quiet, verbose=verbose, threads=threads)

    from nmt.alignment.formats import FORMATS
    from nmt.text.files import open_input, open_output, read_lines
    from nmt.text.lines import ready_lines

    _refuse_overwriting(input_file, output_file)
    with open_input(input_file) as stream:
        translator = options.load_translator(model, device=device, precision=precision)
        search = translator.options(
            n_best=n_best,
            attention=alignment != "none",
            sampling=_sampling(temperature, top_k, top_p, seed) if sample else None,
            **options.search_options(
                beam_size=beam_size,
                length_penalty=length_penalty,
                max_length=max_length,
                max_length_ratio=max_length_ratio,
                batch_tokens=batch_tokens,
                no_repeat_ngram=no_repeat_ngram,
                coverage_penalty=coverage_penalty,
            ),
        )
        if search.coverage_penalty and translator.config.model.attention == "none":
            raise ConfigError("--coverage-penalty", "needs a model with attention")
        write = FORMATS[shape]
        beginnings = read_lines(prefix, logger.warning) if prefix is not None else None
        too_long = 0
        with open_output(output_file) as writer:
            for lines in ready_lines(stream, logger.warning, most=LINES_AT_ONCE):
                too_long += sum(line.too_long for line in lines)
                prefixes = [line.text for line in islice(beginnings, len(lines))] if beginnings is not None else None
                if prefixes is not None and len(prefixes) < len(lines):
                    raise DataError(f"{prefix}", f"has no line {lines[len(prefixes)].number}, but {stream.name} does")
                translations = translator.translate(
                    [line.text for line in lines], search, prefixes=prefixes, keys=[line.number for line in lines]
                )
                for line, translation in zip(lines, translations, strict=True):
                    for text in write(line.number - 1, translation, n_best, alignment):
                        writer.write(text)
                writer.flush()
        if beginnings is not None and (left := next(beginnings, None)) is not None:
            raise DataError(f"{prefix}", f"has a line {left.number}, but {stream.name} does not")
        if too_long:
            raise DataError(stream.name, f"{too_long} lines were too long and answered with empty ones")


def _refuse_overwriting(input_file: str, output_file: str) -> None:
    """An output that is the input would be emptied before it is read."""
    with suppress(OSError):
        if "-" not in (input_file, output_file) and Path(input_file).samefile(output_file):
            raise ConfigError("--output", f"{output_file} is the input, too; expected another file")


def _sampling(temperature: float, top_k: int, top_p: float, seed: int) -> SamplingOptions:
    from nmt.search.sampling import SamplingOptions

    try:
        return SamplingOptions(temperature, top_k, top_p, seed)
    except ValueError as error:
        raise ConfigError("--sample", str(error)) from error
