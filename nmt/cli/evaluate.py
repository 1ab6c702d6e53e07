"""`nmt eval`."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nmt.cli import arguments
from nmt.cli.arguments import check_choice, of_translation, own_options, search_options
from nmt.cli.files import write_lines
from nmt.cli.glossary import GlossaryArguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, start
from nmt.cli.test_sets import read_configured, read_given, read_text, test_tag, translate_lines
from nmt.cli.whole_lines import SentenceWatch, check_sentences
from nmt.errors import ConfigError, Problem

if TYPE_CHECKING:
    from nmt.evaluation.metrics import Text
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class EvaluationFileArguments:
    """The files of a test set, and a finished translation of it."""

    src: arguments.SourceFile = None
    ref: arguments.ReferenceFiles = None
    hyp: Annotated[str | None, typer.Option(metavar="FILE", help="A finished translation, in place of MODEL.")] = None


@dataclass(frozen=True)
class ScoringArguments:
    """Settings of sacreBLEU."""

    metric: arguments.Metrics = None
    tokenize: arguments.BleuTokenizer = "13a"
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU.")] = False
    bootstrap: Annotated[
        int,
        typer.Option(
            max=100_000, help="Samples of a bootstrap for 95 % confidence intervals; 1000 is usual, 0 is off."
        ),
    ] = 0


@dataclass(frozen=True)
class EvaluationOutputArguments:
    """The output of the scores, and the file of the translation."""

    output_format: arguments.OutputFormat = "text"
    save_output: Annotated[str | None, typer.Option(metavar="FILE", help="Where to put the translation.")] = None


@expand_groups
def evaluate(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL]", readable=False, help="Run directory, checkpoint or exported model."),
    ] = None,
    *,
    files: EvaluationFileArguments,
    scoring: ScoringArguments,
    output: EvaluationOutputArguments,
    sampling: arguments.SamplingArguments,
    choice: arguments.ChoiceArguments,
    terms: GlossaryArguments,
    lines: arguments.LineArguments,
    search: arguments.BatchedSearchArguments,
    ensemble: arguments.EnsembleArguments,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Translate a test set and score it, or score a finished translation, with sacreBLEU."""
    check_choice("--format", output.output_format, ("text", "json"))
    ensemble.check()
    choice.check()
    start(log, compute)
    check_sentences(lines)
    _check_use(model, files, output, of_translation(sampling, choice, terms, lines, search, ensemble))

    from nmt.cli.formats.scores import as_json, as_text
    from nmt.evaluation import metrics as evaluation

    given = choice.metric() | search_options(**asdict(search), mbr=choice.mbr)
    given |= {"sampling": sampling.sampling()}
    metrics = tuple(dict.fromkeys(scoring.metric or evaluation.METRICS))
    evaluation.check_metrics(metrics, scoring.tokenize, scoring.bootstrap)
    if model is None:
        hypotheses, references, seconds = *_read_finished(files), None
    else:
        translator = load_translator(model, compute, ensemble)
        given |= {"glossary": terms.read(translator)}
        hypotheses, references, seconds = _translate(translator, files, output.save_output, lines, given, log.quiet)
    if "bleu" in metrics:
        evaluation.warn_of_unspaced(references, scoring.tokenize)
    scores = evaluation.evaluate(
        hypotheses.lines,
        [reference.lines for reference in references],
        metrics=metrics,
        tokenize=scoring.tokenize,
        lowercase=scoring.lowercase,
        bootstrap=scoring.bootstrap,
        hypotheses_name=hypotheses.name,
        reference_names=[reference.name for reference in references],
    )
    write_lines([as_json(scores, seconds)] if output.output_format == "json" else as_text(scores, seconds))


def _check_use(
    model: Path | None,
    files: EvaluationFileArguments,
    output: EvaluationOutputArguments,
    useless: list[Problem],
) -> None:
    """Refuses arguments that do not go together; `useless` are those that mean nothing without a model."""
    if (model is None) == (files.hyp is None):
        raise ConfigError("eval", "needs either MODEL, whose translation is scored, or --hyp FILE, a finished one")
    if files.hyp is not None and (files.src or output.save_output):
        raise ConfigError("--hyp", "goes without --src and --save-output: nothing is translated")
    if files.hyp is not None and useless:
        raise ConfigError.from_problems(useless)
    if model is not None and (files.src is None) != (not files.ref):
        raise ConfigError("eval", "needs --src and --ref together, or neither for the configuration's test set")


def _read_finished(files: EvaluationFileArguments) -> tuple[Text, list[Text]]:
    """Reads the translation that `--hyp` names, and its references."""
    assert files.hyp is not None
    if not files.ref:
        raise ConfigError("--ref", "is missing: a translation is scored against a reference")
    _, references = read_given(None, files.ref, others=[("--hyp", files.hyp)])
    return read_text(files.hyp), references


def _translate(
    translator: Translator,
    files: EvaluationFileArguments,
    save_output: str | None,
    lines: arguments.LineArguments,
    given: dict[str, Any],
    quiet: bool,
) -> tuple[Text, list[Text], float | None]:
    """Returns the test set's translation, which errors name by its source, its references, and the seconds taken."""
    from nmt.evaluation.metrics import Text, check_counts
    from nmt.io.streams import open_output

    source, references = _test_set(translator, files, save_output)
    assert source is not None
    check_counts((source.name, len(source.lines)), [(name, len(lines)) for name, lines in references])
    tag = test_tag(translator, lines.tag, is_configured=files.src is None)
    options = own_options(translator.options, **{**asdict(lines), "tag": tag}, **given)
    logger.debug("search: %s", options)
    SentenceWatch(source.name, lines, quiet=quiet).look_at(enumerate(source.lines, start=1))
    # Opened first: a file that cannot be written is reported before the work is done.
    with open_output(save_output) if save_output else nullcontext() as writer:
        started = time.perf_counter()
        hypotheses = translate_lines(translator, source.lines, options, quiet=quiet)
        seconds = time.perf_counter() - started
        if writer is not None:
            for line in hypotheses:
                writer.write(line)
    return Text(source.name, hypotheses), references, seconds


def _test_set(
    translator: Translator, files: EvaluationFileArguments, save_output: str | None
) -> tuple[Text | None, list[Text]]:
    """Reads the source and each reference; none of them is `save_output`."""
    output = ("--save-output", save_output) if save_output else None
    if files.src is not None and files.ref:
        return read_given(files.src, files.ref, output=output)
    test = translator.config.data.test
    if test is None:
        raise ConfigError("data.test", "the model's configuration names no test set; use --src FILE --ref FILE")
    return read_configured(test, output=output)
