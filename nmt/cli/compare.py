"""`nmt compare`."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from nmt.cli import arguments, graphics
from nmt.cli.arguments import check_choice, of_translation, own_options, search_options
from nmt.cli.files import write_lines
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, start
from nmt.cli.test_sets import read_configured, read_given, read_text, test_tag, translate_lines
from nmt.cli.whole_lines import SentenceWatch, check_sentences
from nmt.errors import ConfigError, MemoryExhaustedError, Problem

if TYPE_CHECKING:
    from nmt.config.parallel_files import ParallelFiles
    from nmt.evaluation.comparison import Comparison, ComparisonMethod
    from nmt.evaluation.example_attention import ComparedModel
    from nmt.evaluation.metrics import Text
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class ComparisonFileArguments:
    """The files of a test set, and finished translations of it."""

    src: arguments.SourceFile = None
    ref: arguments.ReferenceFiles = None
    hyp: Annotated[
        list[str] | None, typer.Option(metavar="FILE…", help="Finished translations, in place of models.")
    ] = None


@dataclass(frozen=True)
class MethodArguments:
    """The method of the comparison."""

    metric: arguments.Metrics = None
    tokenize: arguments.BleuTokenizer = "13a"
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU and of words.")] = False
    test: Annotated[
        str, typer.Option(metavar="T", help="Whether chance explains it: bootstrap, randomization or none.")
    ] = "bootstrap"
    samples: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="Of the test; 1000 by default, 10000 of the randomization.")
    ] = None
    frequency: Annotated[
        str | None, typer.Option(metavar="FILE", help="Text whose words are counted; the first reference by default.")
    ] = None
    sentences: Annotated[
        int, typer.Option(min=0, max=1000, help="Sentences shown that A has better than B, and B than A.")
    ] = 5

    def method(self) -> ComparisonMethod:
        """Returns the method; raises ConfigError where sacreBLEU cannot do that."""
        from nmt.evaluation.comparison import ComparisonMethod
        from nmt.evaluation.metrics import METRICS, check_metrics

        metrics = tuple(dict.fromkeys(self.metric or METRICS))
        method = ComparisonMethod(metrics, self.tokenize, self.lowercase, self.test, self.samples, self.sentences)
        # BLEU's tokenizer makes the words that are counted, whatever is scored.
        check_metrics((*metrics, "bleu"), self.tokenize, method.sample_count)
        return method


@dataclass(frozen=True)
class ComparisonOutputArguments:
    """The output of the comparison, and the file of a report or a figure."""

    attention: Annotated[bool, typer.Option("--attention", help="Show the attention of these sentences.")] = False
    output_format: arguments.OutputFormat = "text"
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A report, .html, or scores by length as a figure, .png, .svg or .pdf."),
    ] = None


class ComparedTexts(NamedTuple):
    """The finished translations, the references, and the source where there is one."""

    finished: list[Text]
    references: list[Text]
    source: Text | None


@expand_groups
def compare(
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[MODEL_A] [MODEL_B]", readable=False, help="Two models, or one and --hyp FILE."),
    ] = None,
    *,
    files: ComparisonFileArguments,
    how: MethodArguments,
    output: ComparisonOutputArguments,
    sampling: arguments.SamplingArguments,
    choice: arguments.ChoiceArguments,
    lines: arguments.LineArguments,
    search: arguments.BatchedSearchArguments,
    ensemble: arguments.EnsembleArguments,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Compare two models, or two finished translations, on one test set: scores, significance, where they differ."""
    check_choice("--format", output.output_format, ("text", "json"))
    check_choice("--test", how.test, ("bootstrap", "randomization", "none"))
    ensemble.check()
    choice.check()
    start(log, compute)
    models = models or []
    useless = [] if models else of_translation(sampling, choice, lines, search, ensemble)
    _check_use(models, files, how, output, useless)
    if not ensemble.ensemble:
        _warn_of_itself(models, files)
    check_sentences(lines)

    from nmt.cli.formats.comparison import as_json, as_text
    from nmt.evaluation.example_attention import ComparedModel, with_attention
    from nmt.io.atomic_files import check_output, write_output
    from nmt.io.terminal import columns_of_output

    given = search_options(**asdict(search), mbr=choice.mbr)
    given |= {name: value for name, value in asdict(lines).items() if value}
    given |= choice.metric() | {"sampling": sampling.sampling()}
    method = how.method()
    # The others join the first model, so that an ensemble can be compared with one of its own.
    joining = [ensemble, *[None] * (len(models) - 1)]
    translators = [load_translator(model, compute, others) for model, others in zip(models, joining, strict=False)]
    _check_languages(translators, models)
    texts = _read(translators, files, how.frequency, output.output)
    _check_counts(texts, method)
    tags = [test_tag(translator, lines.tag, is_configured=not files.ref) for translator in translators]
    compared = [
        ComparedModel(translator, own_options(translator.options, **{**given, "tag": tag}))
        for translator, tag in zip(translators, tags, strict=True)
    ]
    if output.output is not None:  # reported before the work is done
        check_output(Path(output.output))
    if texts.source is not None and models:
        SentenceWatch(texts.source.name, lines, quiet=log.quiet).look_at(enumerate(texts.source.lines, start=1))
    names = [*map(ensemble.joint_name, models[:1]), *map(str, models[1:])]
    translations = _translate(names, compared, texts.source, quiet=log.quiet) + texts.finished
    comparison = _compare(translations, texts, method, how.frequency)
    if compared and (output.attention or (output.output is not None and graphics.is_page(output.output))):
        comparison = with_attention(comparison, compared[0], compared[1] if len(compared) == 2 else None)
    if output.output is not None:
        write_output(Path(output.output), _drawn(comparison, output.output))
    shown = comparison if output.attention else comparison.without_attention()
    write_lines([as_json(shown)] if output.output_format == "json" else as_text(shown, columns_of_output()))


def _check_use(
    models: list[Path],
    files: ComparisonFileArguments,
    how: MethodArguments,
    output: ComparisonOutputArguments,
    useless: list[Problem],
) -> None:
    """Raises ConfigError, with every reason, for arguments that do not go together, or are useless as it is."""
    problems = []
    compared = [*map(str, models), *(files.hyp or ())]
    if len(compared) != 2:
        found = " ".join(compared) or "nothing"
        problems.append(Problem("compare", f"compares two, MODEL or --hyp FILE, not {len(compared)}: {found}"))
    if models and (files.src is None) != (not files.ref):
        what = "needs --src and --ref together, or neither for the test set that the configurations name"
        if finished := [str(path) for path in models if path.is_file()]:
            what += f"; finished translations go behind --hyp: {' '.join(finished)}"
        problems.append(Problem("compare", what))
    if not models and not files.ref:
        problems.append(Problem("--ref", "is missing: translations are scored against a reference"))
    if how.test == "none" and how.samples is not None:
        problems.append(Problem("--samples", "does nothing with --test none"))
    if output.attention and not models:
        problems.append(Problem("--attention", "needs a MODEL: a finished translation does not show what it looked at"))
    if output.output is not None and (problem := graphics.name_problem(output.output)):
        problems.append(problem)
    if problems := problems + useless:
        raise ConfigError.from_problems(problems)
    if output.output is not None:
        graphics.check_kind(output.output)


def _warn_of_itself(models: list[Path], files: ComparisonFileArguments) -> None:
    compared = [*map(str, models), *(files.hyp or ())]
    first, second = compared
    if os.path.realpath(first) == os.path.realpath(second):
        logger.warning("%s: compared with itself", second)


def _check_languages(translators: list[Translator], models: list[Path]) -> None:
    """Refuses models that do not translate the same languages."""
    configured = [translator.config.data for translator in translators]
    languages = [(data.source_language, data.target_language) for data in configured]
    if len(set(languages)) > 1:
        (source_a, target_a), (source_b, target_b) = languages
        what = f"translates {source_b} to {target_b}, but {models[0]} {source_a} to {target_a}"
        raise ConfigError(str(models[1]), f"{what}; finished translations (--hyp) are compared whatever their language")


def _read(
    translators: list[Translator], files: ComparisonFileArguments, frequency: str | None, output: str | None
) -> ComparedTexts:
    """Reads all texts but that of the frequencies; none of them is `output`."""
    report = ("--output", output) if output is not None else None
    hyp = files.hyp or ()
    others = [("--hyp", path) for path in hyp]
    others += [("--frequency", frequency)] if frequency is not None else []
    if files.ref:
        source, references = read_given(files.src, files.ref, others=others, output=report)
    else:
        source, references = read_configured(_configured_test_set(translators), others=others, output=report)
    return ComparedTexts([read_text(path) for path in hyp], references, source)


def _configured_test_set(translators: list[Translator]) -> ParallelFiles:
    """Returns the test set that all configurations name; raises ConfigError where one names none, or another one."""
    first, *others = [translator.config.data.test for translator in translators]
    if first is None or None in others:
        raise ConfigError("data.test", "a model's configuration names no test set; use --src FILE --ref FILE")
    for other in others:
        assert other is not None
        if _real_paths(other) != _real_paths(first):
            names = [", ".join(test.paths[0]) for test in (first, other)]
            what = f"the models' configurations name different test sets, {' and '.join(names)}"
            raise ConfigError("data.test", f"{what}; use --src FILE --ref FILE")
    return first


def _real_paths(test: ParallelFiles) -> tuple[list[list[str]], object]:
    return [list(map(os.path.realpath, paths)) for paths in test.paths], test.pairs and test.columns


def _check_counts(texts: ComparedTexts, method: ComparisonMethod) -> None:
    """Refuses texts of unequal length, and warns of a small test set."""
    from nmt.evaluation.metrics import check_counts
    from nmt.evaluation.significance import FEW_SENTENCES, check_test

    source = [] if texts.source is None else [texts.source]
    every = [(name, len(lines)) for name, lines in (*source, *texts.finished, *texts.references)]
    name, count = every[0]
    check_counts(every[0], every[1:])
    if count < FEW_SENTENCES and method.test != "none":
        number = "1 sentence is" if count == 1 else f"{count} sentences are"
        logger.warning("%s: %s too few for a test to tell what is chance", name, number)
    check_test(method.metrics, method.test, method.sample_count, count)


def _translate(names: list[str], compared: list[ComparedModel], source: Text | None, *, quiet: bool) -> list[Text]:
    """Translates the source by each model, or by several together, under these names."""
    from nmt.evaluation.metrics import Text

    translations = []
    for name, (translator, options) in zip(names, compared, strict=True):
        assert source is not None
        logger.debug("search of %s: %s", name, options)
        try:
            translations.append(Text(name, translate_lines(translator, source.lines, options, quiet=quiet)))
        except MemoryExhaustedError as error:  # which names a line, but no model
            raise MemoryExhaustedError(name, str(error)) from error
    return translations


def _compare(
    translations: list[Text], texts: ComparedTexts, method: ComparisonMethod, frequency: str | None
) -> Comparison:
    from nmt.evaluation.comparison import compare as compare_translations
    from nmt.evaluation.metrics import warn_of_unspaced
    from nmt.io.streams import read_lines

    warn_of_unspaced(texts.references, method.tokenize)

    a, b = translations
    source = None if texts.source is None else texts.source.lines
    counted = None
    if frequency is not None:
        counted = frequency, (line.text for line in read_lines(frequency, logger.warning))
    return compare_translations(a, b, texts.references, source, method=method, frequency=counted)


def _drawn(comparison: Comparison, output: str) -> bytes:
    """Returns the content of the page or figure that `--output` names."""
    if graphics.is_page(output):
        from nmt.visualization.comparison_report.document import comparison_report

        return comparison_report(comparison).encode()
    from nmt.visualization.length_figure import draw_lengths

    return draw_lengths(comparison, Path(output).suffix.lower()[1:], output)
