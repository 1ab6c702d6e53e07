"""`nmt eval`."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli import options
from nmt.cli.logs import logger
from nmt.cli.test_sets import read_configured, read_text, translate_lines
from nmt.errors import ConfigError

if TYPE_CHECKING:
    from nmt.evaluation.metrics import Scores, Text
    from nmt.translation.translator import Translator


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

    from nmt.evaluation import metrics as evaluation
    from nmt.io.streams import open_output

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
        name, references, seconds = hyp, [read_text(path) for path in ref], None
        hypotheses = list(read_text(hyp).lines)
    else:
        translator = options.load_translator(model, device=device, precision=precision)
        (name, lines), references = _test_set(translator, src, ref, save_output)
        evaluation.check_counts((name, len(lines)), [(path, len(text)) for path, text in references])
        search = translator.options(**given)
        logger.debug("search: %s", search)
        # Opened first: a place that cannot be written is told before the work is done.
        with open_output(save_output) if save_output else nullcontext() as writer:
            started = time.perf_counter()
            hypotheses = translate_lines(translator, lines, search, quiet=quiet)
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


def _test_set(
    translator: Translator, src: str | None, ref: list[str] | None, save_output: str | None
) -> tuple[Text, list[Text]]:
    """The source and each reference; none of them is `save_output`."""
    output = ("--save-output", save_output) if save_output else None
    if src is not None and ref:
        options.check_files([("--src", src), *(("--ref", path) for path in ref)], output)
        return read_text(src), [read_text(path) for path in ref]  # sacreBLEU allows the same reference twice
    test = translator.config.data.test
    if test is None:
        raise ConfigError("data.test", "the model's configuration names no test set; use --src FILE --ref FILE")
    options.check_files([("data.test", path) for path in (*test.source, *test.target)], output)
    source, reference = read_configured(test)
    return source, [reference]


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
