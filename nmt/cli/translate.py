"""`nmt translate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments
from nmt.cli.arguments import check_choice, check_tag, own_options, search_options
from nmt.cli.decoding import ConstraintArguments, PostprocessingArguments, check_attention
from nmt.cli.documents import DocumentArguments, check_document, remark_on_document, translate_document
from nmt.cli.files import check_files, count_progress, is_regular_file, too_long
from nmt.cli.glossary import GlossaryArguments, TermWatch
from nmt.cli.line_files import LineFile, matched_batches, ready_batches
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.quick_start import QuickTranslator, load_quickly, may_start_quickly
from nmt.cli.startup import load_translator, start
from nmt.cli.typed_text import tell_of_terminal, typed_lines
from nmt.cli.whole_lines import SentenceWatch, check_sentences
from nmt.documents.formats import TEXT
from nmt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nmt.io.lines import Line
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class TranslationArguments:
    """The lines to translate, and the output of their translations."""

    input_file: Annotated[str, typer.Option("--input", metavar="FILE", help="Text, a line a sentence.")] = "-"
    output_file: Annotated[str, typer.Option("--output", metavar="FILE", help="Where translations go.")] = "-"
    n_best: Annotated[int, typer.Option(help="Translations of each line; the beam is as wide at least.")] = 1
    output_format: Annotated[
        str | None, typer.Option("--format", help="text, json or moses; moses by default when --n-best is above 1.")
    ] = None
    alignment: Annotated[str, typer.Option(help="Which words each word came from: none, hard or soft.")] = "none"
    alignment_unit: arguments.AlignmentUnit = "word"

    @property
    def format(self) -> str:
        """The format that was chosen, or that of so many translations of a line."""
        return self.output_format or ("moses" if self.n_best > 1 else "text")

    def check(self) -> None:
        """Raises ConfigError for values that are not allowed, or not together."""
        check_choice("--format", self.format, ("text", "json", "moses"))
        check_choice("--alignment", self.alignment, ("none", "hard", "soft"))
        if self.alignment == "soft" and self.format != "json":
            raise ConfigError("--alignment", f"soft needs --format json, not {self.format}")
        check_choice("--alignment-unit", self.alignment_unit, ("word", "token"))
        if self.alignment_unit == "token" and self.alignment == "none":
            raise ConfigError("--alignment-unit", "does nothing without --alignment hard or soft")


@dataclass(frozen=True)
class DecodingArguments(ConstraintArguments):
    """Constraints of the search, the groups of its beam, and beginnings of translations."""

    prefix: Annotated[
        str | None, typer.Option(metavar="FILE", help="What each translation must begin with, a line for each.")
    ] = None


@dataclass(frozen=True)
class TranslationChoiceArguments(arguments.ChoiceArguments):
    """The choice among many candidates, by expected utility or by a reference."""

    closest_to: Annotated[
        str | None, typer.Option(metavar="FILE", help="Choose what is most like a reference, a line for each.")
    ] = None

    def uses_metric(self) -> bool:
        """Returns whether candidates are compared."""
        return super().uses_metric() or self.closest_to is not None

    def check(self) -> None:
        """Raises ConfigError for options that make no choice, or two."""
        super().check()
        if self.mbr and self.closest_to is not None:
            raise ConfigError("--closest-to", "is another way to choose than --mbr: expected one of them")


@expand_groups
def translate(
    model: arguments.Model,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]…", help="Sentences; those of --input if none.")
    ] = None,
    *,
    output: TranslationArguments,
    documents: DocumentArguments,
    postprocessing: PostprocessingArguments,
    decoding: DecodingArguments,
    sampling: arguments.SamplingArguments,
    choice: TranslationChoiceArguments,
    terms: GlossaryArguments,
    lines: arguments.LineArguments,
    search: arguments.BatchedSearchArguments,
    ensemble: arguments.EnsembleArguments,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Translate: one line in, one line out; or a document."""
    output.check()
    postprocessing.check()
    ensemble.check()
    decoding.check()
    choice.check()
    if text and output.input_file != "-":
        raise ConfigError("--input", f"is {output.input_file}, and TEXT is given, too: expected one of them")
    kind = documents.kind(None if text else output.input_file)
    if kind != TEXT:
        refused = {
            "TEXT": bool(text),
            "--n-best": output.n_best > 1,
            "--format": output.format != "text",
            "--alignment": output.alignment != "none",
            "--prefix": decoding.prefix is not None,
            "--confidence": postprocessing.confidence,
            "--closest-to": choice.closest_to is not None,
        }
        check_document(kind, refused)
    is_plain = kind == TEXT and not (ensemble.ensemble or terms.glossary or decoding.prefix or choice.closest_to)
    is_quick = is_plain and may_start_quickly(compute, None if text else output.input_file)
    start(log, None if is_quick else compute)
    check_sentences(lines)
    remark_on_document(kind, None if text else output.input_file)

    from nmt.cli.formats.translations import FORMATS
    from nmt.io.streams import open_input, open_output

    given = choice.metric() | search_options(
        n_best=output.n_best,
        mbr=choice.mbr,
        **asdict(search),
        **decoding.options(),
    )
    given |= {"sampling": sampling.sampling()}
    postprocessing.kinds()
    input_file = None if text else output.input_file
    along = {"--prefix": decoding.prefix, "--closest-to": choice.closest_to}
    named = {"--input": input_file, **along, "--dictionary": postprocessing.dictionary, "--glossary": terms.glossary}
    inputs = [(option, path) for option, path in named.items() if path is not None]
    check_files(inputs, ("--output", output.output_file))
    with ExitStack() as stack:
        stream = None if input_file is None else stack.enter_context(open_input(input_file))
        files = [None if path is None else LineFile(path, stack) for path in along.values()]
        translator = load_quickly(model, compute) if is_quick else load_translator(model, compute, ensemble)
        check_tag(translator.tokenizers, lines.tag)
        postprocessor = postprocessing.postprocessor()
        attention = output.alignment != "none" or bool(postprocessor)
        glossary = None if isinstance(translator, QuickTranslator) else terms.read(translator)
        options = own_options(translator.options, attention=attention, glossary=glossary, **asdict(lines), **given)
        check_attention(translator, options, postprocessor, output.alignment)
        logger.debug("search: %s", options)
        if not (kind == TEXT or stream is None or input_file is None or isinstance(translator, QuickTranslator)):
            whole = replace(options, split_sentences=True)
            names = input_file, output.output_file
            translate_document(stream, documents, kind, translator, whole, postprocessor, *names, quiet=log.quiet)
            return
        # What can fail comes before the output is opened, which empties a file that was there.
        writer = stack.enter_context(open_output(output.output_file))
        read_from = [] if input_file is None else [input_file]
        show = count_progress(stack, "translating", "lines", read_from, output.output_file, quiet=log.quiet)
        if input_file == "-":
            tell_of_terminal()
        name = "TEXT" if stream is None else stream.name
        read = iter([typed_lines(text or ())]) if stream is None else ready_batches(stream)
        is_finite = input_file is None or is_regular_file(input_file)
        watch, term_watch, unread = SentenceWatch(name, lines, quiet=log.quiet), TermWatch(), 0
        write = FORMATS[output.format]
        for batch, texts in matched_batches(name, read, files, is_finite=is_finite):
            watch.look_at((line.number, line.text) for line in batch)
            for line, translation in _translated(batch, texts, translator, options, postprocessor):
                term_watch.look_at(translation)
                for result in write(
                    line.number - 1, translation, output.n_best, output.alignment, output.alignment_unit
                ):
                    writer.write(result)
            writer.flush()
            show(batch[-1].number)
            unread += sum(line.too_long for line in batch)
        if output.format != "json":
            term_watch.warn()
        if unread:
            raise DataError(name, too_long(unread, "not translated: the output has an empty line for each"))


def _translated(
    lines: list[Line],
    texts: list[list[str] | None],
    translator: Translator | QuickTranslator,
    options: TranslateOptions,
    postprocessor: Postprocessor,
) -> Iterator[tuple[Line, Translation]]:
    """Translates lines together, with the texts of their prefixes and references."""
    numbers = [line.number for line in lines]
    own = dict(zip(("prefixes", "references"), texts, strict=True))
    translations = translator.translate([line.text for line in lines], options, numbers=numbers, **own)
    for line, translation in zip(lines, translations, strict=True):
        yield line, postprocessor.apply(translation, is_unread=line.too_long)
