"""`nmt compare`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import options, pictures
from nmt.cli.logs import logger
from nmt.cli.test_sets import FilesCommand, read_configured, read_text, translate_lines
from nmt.errors import ConfigError, MemoryExhaustedError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nmt.config.sections import ParallelFiles
    from nmt.evaluation.comparison import Comparison, Method
    from nmt.evaluation.metrics import Text
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator


class CompareCommand(FilesCommand):
    """Takes several files behind one `--ref` or `--hyp`."""

    options = ("--ref", "--hyp")


def compare(
    models: Annotated[
        list[Path] | None, typer.Argument(metavar="[MODEL_A] [MODEL_B]", help="Two models, or one and --hyp FILE.")
    ] = None,
    src: Annotated[str | None, typer.Option(metavar="FILE", help="Text to translate.")] = None,
    ref: Annotated[
        list[str] | None, typer.Option(metavar="FILE…", help="References: several files, or --ref several times.")
    ] = None,
    hyp: Annotated[
        list[str] | None, typer.Option(metavar="FILE…", help="Finished translations, in place of models.")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="bleu, chrf or ter; repeatable. All by default.")] = None,
    tokenize: Annotated[str, typer.Option(help="sacreBLEU's BLEU tokenizer: 13a, none, intl, zh, …")] = "13a",
    lowercase: Annotated[bool, typer.Option("--lowercase", help="Ignore case in BLEU and of words.")] = False,
    test: Annotated[
        str, typer.Option(metavar="T", help="Whether chance explains it: bootstrap, randomization or none.")
    ] = "bootstrap",
    samples: Annotated[
        int | None,
        typer.Option(min=2, max=100_000, help="Of the test; 1000 by default, 10000 of the randomization."),
    ] = None,
    frequency: Annotated[
        str | None, typer.Option(metavar="FILE", help="Text whose words are counted; the first reference by default.")
    ] = None,
    sentences: Annotated[
        int, typer.Option(min=0, max=1000, help="Sentences shown that A has better than B, and B than A.")
    ] = 5,
    attention: Annotated[bool, typer.Option("--attention", help="Show the attention of these sentences.")] = False,
    output_format: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A report, .html, or scores by length as a figure, .png, .svg or .pdf."),
    ] = None,
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
    """Compare two models, or two finished translations, on one test set: scores, significance, where they differ."""
    options.one_of("--format", output_format, ("text", "json"))
    options.one_of("--test", test, ("bootstrap", "randomization", "none"))
    options.start(quiet=quiet, verbose=verbose, threads=threads)
    models, hyp, ref = models or [], hyp or [], ref or []
    _check_use(models, hyp, src, ref, output, attention=attention, test=test, samples=samples)

    from nmt.cli.formats.comparison import as_json, as_text
    from nmt.evaluation import metrics as evaluation
    from nmt.evaluation.comparison import Method
    from nmt.io.atomic_files import check_output, write_output
    from nmt.io.streams import open_output
    from nmt.io.terminal import columns_of_output

    given = options.search_options(
        beam_size=beam_size,
        length_penalty=length_penalty,
        max_length=max_length,
        shortlist=shortlist,
        batch_tokens=batch_tokens,
    )
    if given and not models:
        what = "does nothing for finished translations"
        raise ConfigError.from_problems([Problem(f"--{name.replace('_', '-')}", what) for name in given])
    metrics = tuple(dict.fromkeys(metric or evaluation.METRICS))
    method = Method(metrics, tokenize, lowercase, test, samples, sentences)
    # BLEU's tokenizer makes the words that are counted, whatever is scored.
    evaluation.check_metrics((*metrics, "bleu"), tokenize, method.sample_count)
    translators = [options.load_translator(model, device=device, precision=precision) for model in models]
    _check_languages(translators, models)
    finished, references, source = _read(translators, hyp, src, ref, frequency, output)
    _check_counts(finished, references, source, method)
    searches = [(translator, translator.options(**given)) for translator in translators]
    if output is not None:  # told before the work is done
        check_output(Path(output))
    comparison = _compare(models, searches, finished, references, source, method, frequency, quiet=quiet)
    if searches and (attention or (output is not None and pictures.is_page(output))):
        comparison = _with_attention(comparison, searches)
    if output is not None:
        write_output(Path(output), _picture(comparison, output))
    shown = comparison if attention else comparison.without_attention()
    with open_output("-") as writer:
        for line in [as_json(shown)] if output_format == "json" else as_text(shown, columns_of_output()):
            writer.write(line)


def _check_use(
    models: list[Path],
    hyp: list[str],
    src: str | None,
    ref: list[str],
    output: str | None,
    *,
    attention: bool,
    test: str,
    samples: int | None,
) -> None:
    """Refuses what does not go together.

    Raises:
        ConfigError: it names every reason.
    """
    problems = []
    if (count := len(models) + len(hyp)) != 2:
        found = " ".join([*map(str, models), *hyp]) or "nothing"
        problems.append(Problem("compare", f"compares two, MODEL or --hyp FILE, not {count}: {found}"))
    if models and (src is None) != (not ref):
        what = "needs --src and --ref together, or neither for the test set that the configurations name"
        if files := [str(path) for path in models if path.is_file()]:
            what += f"; finished translations go behind --hyp: {' '.join(files)}"
        problems.append(Problem("compare", what))
    if not models and not ref:
        problems.append(Problem("--ref", "is missing: translations are scored against a reference"))
    if test == "none" and samples is not None:
        problems.append(Problem("--samples", "does nothing with --test none"))
    if attention and not models:
        problems.append(Problem("--attention", "needs a MODEL: a finished translation does not show what it looked at"))
    if output is not None and (problem := pictures.wrong_name(output)):
        problems.append(problem)
    if problems:
        raise ConfigError.from_problems(problems)
    if output is not None:
        pictures.check_kind(output)
    first, second = [*map(str, models), *hyp]
    if os.path.realpath(first) == os.path.realpath(second):
        logger.warning("%s: compared with itself", second)


def _check_languages(translators: list[Translator], models: list[Path]) -> None:
    """Refuses models that do not translate the same languages.

    Raises:
        ConfigError: they do not.
    """
    languages = [
        (translator.config.data.source_language, translator.config.data.target_language) for translator in translators
    ]
    if len(set(languages)) > 1:
        (source_a, target_a), (source_b, target_b) = languages
        what = f"translates {source_b} to {target_b}, but {models[0]} {source_a} to {target_a}"
        raise ConfigError(str(models[1]), f"{what}; finished translations (--hyp) are compared whatever their language")


def _read(
    translators: list[Translator],
    hyp: list[str],
    src: str | None,
    ref: list[str],
    frequency: str | None,
    output: str | None,
) -> tuple[list[Text], list[Text], Text | None]:
    """The finished translations, the references, and the source where there is one; none of them is `output`."""
    report = ("--output", output) if output is not None else None
    inputs = [("--hyp", path) for path in hyp]
    inputs += [("--frequency", frequency)] if frequency is not None else []
    if ref:
        inputs += [("--src", src)] if src is not None else []
        options.check_files([*inputs, *(("--ref", path) for path in ref)], report)
        source = None if src is None else read_text(src)
        references = [read_text(path) for path in ref]
    else:
        test = _configured_test_set(translators)
        options.check_files([*inputs, *(("data.test", path) for path in (*test.source, *test.target))], report)
        source, reference = read_configured(test)
        references = [reference]
    return [read_text(path) for path in hyp], references, source


def _configured_test_set(translators: list[Translator]) -> ParallelFiles:
    """The test set that all configurations name.

    Raises:
        ConfigError: one names none, or they name different ones.
    """
    first, *others = [translator.config.data.test for translator in translators]
    if first is None or None in others:
        raise ConfigError("data.test", "a model's configuration names no test set; use --src FILE --ref FILE")
    for other in others:
        assert other is not None
        if _places(other) != _places(first):
            names = [", ".join(test.source) for test in (first, other)]
            what = f"the models' configurations name different test sets, {' and '.join(names)}"
            raise ConfigError("data.test", f"{what}; use --src FILE --ref FILE")
    return first


def _places(test: ParallelFiles) -> list[list[str]]:
    return [list(map(os.path.realpath, paths)) for paths in (test.source, test.target)]


def _check_counts(finished: list[Text], references: list[Text], source: Text | None, method: Method) -> None:
    from nmt.evaluation.metrics import check_counts
    from nmt.evaluation.significance import FEW_SENTENCES, check_test

    texts = [*([source] if source is not None else []), *finished, *references]
    (name, count), *others = [(text.name, len(text.lines)) for text in texts]
    check_counts((name, count), others)
    if count < FEW_SENTENCES and method.test != "none":
        told = "1 sentence is" if count == 1 else f"{count} sentences are"
        logger.warning("%s: %s too few for a test to tell what is chance", name, told)
    check_test(method.metrics, method.test, method.sample_count, count)


def _compare(
    models: list[Path],
    searches: list[tuple[Translator, TranslateOptions]],
    finished: list[Text],
    references: list[Text],
    source: Text | None,
    method: Method,
    frequency: str | None,
    *,
    quiet: bool,
) -> Comparison:
    """Translates what is not translated yet, and compares."""
    from nmt.evaluation.comparison import compare as compare_translations
    from nmt.evaluation.metrics import Text

    translations = []
    for model, (translator, search) in zip(models, searches, strict=True):
        assert source is not None
        logger.debug("search of %s: %s", model, search)
        try:
            translations.append(Text(str(model), translate_lines(translator, source.lines, search, quiet=quiet)))
        except MemoryExhaustedError as error:  # which names a line, but not whose it is
            raise MemoryExhaustedError(str(model), str(error)) from error
    a, b = translations + finished
    counted = None if frequency is None else (frequency, _lines_of(frequency))
    return compare_translations(
        a, b, references, None if source is None else source.lines, method=method, frequency=counted
    )


def _lines_of(path: str) -> Iterator[str]:
    from nmt.io.streams import read_lines

    return (line.text for line in read_lines(path, logger.warning))


def _picture(comparison: Comparison, output: str) -> bytes:
    """The content of the file that `--output` names."""
    if pictures.is_page(output):
        from nmt.visualization.comparison_report.document import as_page

        return as_page(comparison).encode()
    from nmt.visualization.length_figure import draw_lengths

    return draw_lengths(comparison, Path(output).suffix.lower()[1:], output)


def _with_attention(comparison: Comparison, searches: list[tuple[Translator, TranslateOptions]]) -> Comparison:
    from nmt.evaluation.attention_of_examples import with_attention

    return with_attention(comparison, searches[0], searches[1] if len(searches) == 2 else None)
