"""`nmt eval`."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.errors import ConfigError, DataError, InputFileError

if TYPE_CHECKING:
    from nmt.evaluation import Scores
    from nmt.translation import TranslateOptions
    from nmt.translator import Translator

LINES_AT_ONCE = 1024


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(metavar="[MODEL]", help="Run directory, checkpoint or exported model.")
    ] = None,
    src: Annotated[str | None, typer.Option(metavar="FILE", help="Text to translate.")] = None,
    ref: Annotated[
        list[str] | None, typer.Option(metavar="FILE…", help="References: several files, or --ref several times.")
    ] = None,
    hyp: Annotated[str | None, typer.Option(metavar="FILE", help="A finished translation, in place of MODEL.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="bleu, chrf or ter; repeatable. All by default.")] = None,
    tokenize: Annotated[str, typer.Option(help="sacreBLEU's BLEU tokenizer: 13a, none, intl, zh, …")] = "13a",
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU.")] = False,
    bootstrap: Annotated[
        int,
        typer.Option(
            max=100_000, help="Samples of a bootstrap for 95 % confidence intervals; 1000 is usual, 0 is off."
        ),
    ] = 0,
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    save_output: Annotated[str | None, typer.Option(metavar="FILE", help="Where to put the translation.")] = None,
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
    """Translate a test set and score it, or score a finished translation, with sacreBLEU."""
    options.one_of("--format", output_format, ("text", "json"))
    options.start(quiet=quiet, verbose=verbose, threads=threads)
    if (model is None) == (hyp is None):
        raise ConfigError("eval", "needs either MODEL, whose translation is scored, or --hyp FILE, a finished one")
    if hyp is not None and (src or save_output):
        raise ConfigError("--hyp", "goes without --src and --save-output: nothing is translated")
    if model is not None and (src is None) != (not ref):
        raise ConfigError("eval", "needs --src and --ref together, or neither for the configuration's test set")

    from nmt import evaluation
    from nmt.text.files import open_output

    given = options.search_options(
        beam_size=beam_size,
        length_penalty=length_penalty,
        max_length=max_length,
        shortlist=shortlist,
        batch_tokens=batch_tokens,
    )
    metrics = tuple(dict.fromkeys(metric or evaluation.METRICS))
    evaluation.check_metrics(metrics, tokenize, bootstrap)
    if model is None:
        assert hyp is not None
        if not ref:
            raise ConfigError("--ref", "is missing: a translation is scored against a reference")
        options.check_files([("--hyp", hyp), *(("--ref", path) for path in ref)])
        name, references, seconds = hyp, _references(ref), None
        hypotheses = _read(hyp)
    else:
        translator = options.load_translator(model, device=device, precision=precision)
        name, lines, references = _test_set(translator, src, ref, save_output)
        evaluation.check_counts((name, len(lines)), [(path, len(text)) for path, text in references])
        search = translator.options(**given)
        logger.debug("search: %s", search)
        # Opened first: a place that cannot be written is told before the work is done.
        with open_output(save_output) if save_output else nullcontext() as writer:
            started = time.perf_counter()
            hypotheses = _translate(translator, lines, search, quiet=quiet)
            seconds = time.perf_counter() - started
            if writer is not None:
                for line in hypotheses:
                    writer.write(line)
    scores = evaluation.evaluate(
        hypotheses,
        [text for _, text in references],
        metrics=metrics,
        tokenize=tokenize,
        lowercase=lowercase,
        bootstrap=bootstrap,
        hypotheses_name=name,
        reference_names=[path for path, _ in references],
    )
    with open_output("-") as writer:
        for line in _render(scores, output_format, seconds):
            writer.write(line)


class EvaluateCommand(TyperCommand):
    """Takes several files behind one `--ref`, too: every word up to the next option that is no directory."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Writes `--ref a b` as `--ref a --ref b`; a directory can only be MODEL."""
        expanded: list[str] = []
        value_due = more = False  # whether this word must be, or may be, a reference
        for word in args:
            is_option = word.startswith("-") and word != "-"
            if value_due or word.startswith("--ref="):
                value_due, more = False, True
            elif more and not is_option and not Path(word).is_dir():
                expanded.append("--ref")
            else:
                value_due, more = word == "--ref", False
            expanded.append(word)
        return super().parse_args(ctx, expanded)


def _read(path: str) -> list[str]:
    """The lines of a file.

    Raises:
        DataError: a line is longer than is read.
    """
    from nmt.text.files import read_lines

    texts = []
    for line in read_lines(path, logger.warning):
        if line.too_long:
            raise DataError(f"{path}:{line.number}", "is too long to be scored")
        texts.append(line.text)
    return texts


def _references(paths: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The name and the lines of each reference; the same file may be given twice, as sacreBLEU allows."""
    return [(path, _read(path)) for path in paths]


def _test_set(
    translator: Translator, src: str | None, ref: list[str] | None, save_output: str | None
) -> tuple[str, list[str], list[tuple[str, list[str]]]]:
    """The name of the source, its lines, and the name and lines of each reference; none of them is `save_output`."""
    output = ("--save-output", save_output) if save_output else None
    if src is not None and ref:
        options.check_files([("--src", src), *(("--ref", path) for path in ref)], output)
        return src, _read(src), _references(ref)
    test = translator.config.data.test
    if test is None:
        raise ConfigError("data.test", "the model's configuration names no test set; use --src FILE --ref FILE")
    options.check_files([("data.test", path) for path in (*test.source, *test.target)], output)
    for path in (*test.source, *test.target):
        if not Path(path).exists():
            what = "no such file, though the model's configuration names it as test set; use --src and --ref"
            raise InputFileError(path, what)
    from nmt.corpus.parallel import CorpusFiles, read_pairs

    # File by file: sums that agree would hide lines that do not belong together.
    source: list[str] = []
    target: list[str] = []
    for pair in read_pairs(CorpusFiles(test.source, test.target), logger.warning):
        if pair.too_long:
            raise DataError(f"{test.source[pair.file]}:{pair.number}", "it or its translation is too long to be scored")
        source.append(pair.source)
        target.append(pair.target)
    return ", ".join(test.source), source, [(", ".join(test.target), target)]


def _translate(translator: Translator, lines: list[str], search: TranslateOptions, *, quiet: bool) -> list[str]:
    from nmt.training.progress import CountProgress

    progress = CountProgress("translating", "lines", quiet=quiet)
    translations: list[str] = []
    try:
        for start in range(0, len(lines), LINES_AT_ONCE):
            some = lines[start : start + LINES_AT_ONCE]
            batch = translator.translate(some, search, numbers=range(start + 1, start + 1 + len(some)))
            translations += [translation.text for translation in batch]
            progress.show(len(translations))
    finally:
        progress.close()
    return translations


def _render(scores: Scores, output_format: str, seconds: float | None) -> list[str]:
    if output_format == "json":
        value: dict[str, Any] = scores.as_json()
        if seconds is not None:
            value["seconds"] = round(seconds, 3)
            value["sentences_per_second"] = round(scores.sentences / seconds, 1) if seconds else None
        return [json.dumps(value)]
    lines = scores.as_text().splitlines()
    if seconds is not None:
        lines.append(f"{scores.sentences:,} sentences in {seconds:.1f} s ({scores.sentences / seconds:.1f} a second)")
    return lines
