"""`nmt translate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import ConfigError, DataError, Problem

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.io.streams import InputStream
    from nmt.postprocessing.dictionary import Dictionary
    from nmt.search.sampling import SamplingOptions
    from nmt.translation.translator import Translator

LINES_AT_ONCE = 2048  # translated together at most, so that those of like length share batches


def translate(
    model: options.Model,
    input_file: Annotated[str, typer.Option("--input", metavar="FILE", help="Text, a line a sentence.")] = "-",
    output_file: Annotated[str, typer.Option("--output", metavar="FILE", help="Where translations go.")] = "-",
    n_best: Annotated[int, typer.Option(help="Translations of each line; the beam is as wide at least.")] = 1,
    output_format: Annotated[
        str | None, typer.Option("--format", help="text, json or moses; moses by default when --n-best is above 1.")
    ] = None,
    alignment: Annotated[str, typer.Option(help="Which words each word came from: none, hard or soft.")] = "none",
    alignment_unit: options.AlignmentUnit = "word",
    replace_unknown: Annotated[
        bool, typer.Option("--replace-unknown", help="Put source words in place of words unknown to the model.")
    ] = False,
    dictionary: Annotated[
        str | None, typer.Option(metavar="FILE", help="Of --replace-unknown: translations of single words.")
    ] = None,
    copy: Annotated[
        str | None, typer.Option(metavar="KINDS", help="Carry over as they stand: numbers, urls, tags.")
    ] = None,
    confidence: Annotated[
        bool, typer.Option("--confidence", help="Tell the probability of each translation and reasons to doubt it.")
    ] = False,
    prefix: Annotated[
        str | None, typer.Option(metavar="FILE", help="What each translation must begin with, a line for each.")
    ] = None,
    no_repeat_ngram: Annotated[int | None, typer.Option(help="No n-gram of this length twice.")] = None,
    coverage_penalty: Annotated[float | None, typer.Option(help="Weight of the coverage penalty.")] = None,
    max_length_ratio: Annotated[
        float | None, typer.Option(help="Longest translation relative to the source's tokens.")
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Draw at random instead of searching for the best.")] = False,
    temperature: Annotated[
        float | None, typer.Option(help="Of --sample: below 1, the likely becomes likelier.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Of --sample: the K most probable tokens only; 0 for all.")] = None,
    top_p: Annotated[float | None, typer.Option(help="Of --sample: the most probable tokens that add up to P.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of --sample: another draw; 1 by default.")] = None,
    beam_size: options.BeamSize = None,
    length_penalty: options.LengthPenalty = None,
    max_length: options.MaxLength = None,
    shortlist: options.Shortlist = None,
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
    options.one_of("--alignment-unit", alignment_unit, ("word", "token"))
    if alignment_unit == "token" and alignment == "none":
        raise ConfigError("--alignment-unit", "does nothing without --alignment hard or soft")
    if dictionary is not None and not replace_unknown:
        raise ConfigError("--dictionary", "does nothing without --replace-unknown")
    options.start(quiet=quiet, verbose=verbose, threads=threads)

    from nmt.cli.formats.translations import FORMATS
    from nmt.io.streams import open_input, open_output
    from nmt.postprocessing.entities import KINDS
    from nmt.postprocessing.postprocess import Postprocessor

    given = options.search_options(
        n_best=n_best,
        beam_size=beam_size,
        length_penalty=length_penalty,
        max_length=max_length,
        max_length_ratio=max_length_ratio,
        shortlist=shortlist,
        batch_tokens=batch_tokens,
        no_repeat_ngram=no_repeat_ngram,
        coverage_penalty=coverage_penalty,
    )
    sampling = _sampling(sample=sample, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
    kinds = options.some_of("--copy", copy, KINDS)
    inputs = [("--input", input_file), ("--prefix", prefix), ("--dictionary", dictionary)]
    options.check_files([(name, path) for name, path in inputs if path is not None], ("--output", output_file))
    # What can fail comes before the output is opened, which empties a file that was there.
    with ExitStack() as files:
        stream = files.enter_context(open_input(input_file))
        prefixes = files.enter_context(open_input(prefix)) if prefix is not None else None
        translator = options.load_translator(model, device=device, precision=precision)
        postprocessor = Postprocessor(replace_unknown, _dictionary(dictionary), kinds, confidence)
        search = translator.options(attention=alignment != "none" or bool(postprocessor), sampling=sampling, **given)
        needing = {
            "--coverage-penalty": search.search.coverage_penalty,
            "--replace-unknown": replace_unknown,
            "--copy": kinds,
        }
        _check_attention(translator, [name for name, value in needing.items() if value])
        if replace_unknown and translator.tokenizers.target.spells_bytes:
            logger.warning("--replace-unknown: this model spells words in bytes that it does not know, and writes no ⁇")
        if alignment != "none" and translator.config.model.attention == "none":
            logger.warning("this model has no attention, so there are no alignments")
        logger.debug("search: %s", search)
        write = FORMATS[shape]
        too_long = 0
        writer = files.enter_context(open_output(output_file))
        show = options.shown_count(files, "translating", "lines", [input_file], output_file, quiet=quiet)
        for lines, beginnings in _batches(stream, prefixes):
            too_long += sum(line.too_long for line in lines)
            translations = translator.translate(
                [line.text for line in lines], search, prefixes=beginnings, numbers=[line.number for line in lines]
            )
            for line, translation in zip(lines, translations, strict=True):
                postprocessed = postprocessor.apply(translation, is_unread=line.too_long)
                for text in write(line.number - 1, postprocessed, n_best, alignment, alignment_unit):
                    writer.write(text)
            writer.flush()
            show(lines[-1].number)
        if too_long:
            raise DataError(stream.name, f"too long, and answered with empty lines: {too_long}")


def _dictionary(path: str | None) -> Dictionary:
    from nmt.postprocessing.dictionary import Dictionary, read_dictionary

    return Dictionary() if path is None else read_dictionary(path, logger.warning)


def _check_attention(translator: Translator, needing: Sequence[str]) -> None:
    """Refuses the options that need a model with attention where it has none."""
    if needing and translator.config.model.attention == "none":
        raise ConfigError.from_problems([Problem(option, "needs a model with attention") for option in needing])


def _batches(stream: InputStream, prefixes: InputStream | None) -> Iterator[tuple[list[Line], list[str] | None]]:
    """The lines to translate, as soon as they can be read, each with what its translation must begin with.

    Raises:
        DataError: not as many prefixes as lines.
    """
    from nmt.io.lines import ready_lines

    batches = ready_lines(stream, logger.warning, most=LINES_AT_ONCE)
    if prefixes is None:
        for lines in batches:
            yield lines, None
        return
    beginnings = chain.from_iterable(ready_lines(prefixes, logger.warning, most=LINES_AT_ONCE))
    for lines in batches:
        texts = [line.text for line in islice(beginnings, len(lines))]
        if len(texts) < len(lines):
            raise DataError(prefixes.name, f"has no line {lines[len(texts)].number}, but {stream.name} does")
        yield lines, texts
    if (left := next(beginnings, None)) is not None:
        raise DataError(prefixes.name, f"has a line {left.number}, but {stream.name} does not")


def _sampling(*, sample: bool, **values: float | None) -> SamplingOptions | None:
    """How to sample, by the options that were given; None where that is not asked for."""
    from nmt.search.sampling import SamplingOptions

    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if not sample:
        if given:
            raise ConfigError.from_problems([Problem(_option(name), "does nothing without --sample") for name in given])
        return None
    try:
        return SamplingOptions(**{"seed": 1, **given})
    except ValueError as error:
        name, _, what = str(error).partition(" ")
        raise ConfigError(_option(name), what) from error


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
