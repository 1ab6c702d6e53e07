"""`nmt bulk`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments
from nmt.cli.arguments import check_choice, check_tag, own_options, search_options
from nmt.cli.decoding import ConstraintArguments, PostprocessingArguments, check_attention
from nmt.cli.glossary import GlossaryArguments
from nmt.cli.logs import logger, silent_libraries
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import load_translator, remark_on_threads, start
from nmt.cli.whole_lines import check_sentences
from nmt.errors import ConfigError, DataError

if TYPE_CHECKING:
    from nmt.bulk.columns import Columns
    from nmt.bulk.inputs import InputFile
    from nmt.bulk.job import JobProgress
    from nmt.bulk.job_spec import JobSpec
    from nmt.bulk.pool import Pool


@dataclass(frozen=True)
class TableArguments:
    """The rows to translate, and the output of their translations."""

    output: Annotated[
        str, typer.Option("--output", metavar="DIR", help="Folder of the output, new or begun by the same command.")
    ]
    column: Annotated[
        str, typer.Option(metavar="C", help="Column to translate; of lines of text there is only this.")
    ] = "text"
    to: Annotated[str, typer.Option(metavar="C", help="Column of the translations.")] = "translation"
    id: Annotated[
        str | None, typer.Option("--id", metavar="C", help="Column that identifies rows; file and number by default.")
    ] = None
    score: Annotated[bool, typer.Option("--score", help="Add a column of scores.")] = False
    input_format: Annotated[
        str, typer.Option(help="parquet, jsonl, csv, tsv, text, or auto: by the names of the files.")
    ] = "auto"
    output_format: Annotated[
        str | None, typer.Option("--format", help="parquet or jsonl; that of the input by default.")
    ] = None
    shard_rows: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="Rows of a file of the output, which is written at once.")
    ] = 10_000


@dataclass(frozen=True)
class WorkerArguments(arguments.ComputeArguments):
    """The device and the arithmetic of each process that translates, which has a GPU to itself."""

    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto"


@dataclass(frozen=True)
class ClusterArguments:
    """The processes that translate."""

    workers: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Processes that translate; as many as there is room for.")
    ] = None
    address: Annotated[
        str | None, typer.Option(metavar="A", help="Of a cluster of Ray that runs; one on this machine by default.")
    ] = None


@expand_groups
def bulk(
    model: arguments.Model,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT…", help="Tables or texts: files, folders, or URIs such as s3://….")
    ],
    *,
    table: TableArguments,
    cluster: ClusterArguments,
    postprocessing: PostprocessingArguments,
    decoding: ConstraintArguments,
    sampling: arguments.SamplingArguments,
    choice: arguments.ChoiceArguments,
    terms: GlossaryArguments,
    lines: arguments.LineArguments,
    search: arguments.BatchedSearchArguments,
    ensemble: arguments.EnsembleArguments,
    compute: WorkerArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Translate very many rows, by Ray Data."""
    for group in (postprocessing, ensemble, decoding, choice):
        group.check()
    check_choice("--device", compute.device, ("auto", "cpu", "cuda"))
    check_choice("--precision", compute.precision, ("auto", "fp32", "bf16", "int8"))
    start(log)
    check_sentences(lines)

    from nmt.bulk.cluster import require_ray

    require_ray()

    from nmt.bulk.columns import Columns
    from nmt.bulk.file_systems import absolute
    from nmt.bulk.job_spec import JobSpec
    from nmt.bulk.model import ModelSource
    from nmt.bulk.output_folder import OutputFolder
    from nmt.bulk.pool import Pool

    given = choice.metric() | search_options(mbr=choice.mbr, **asdict(search), **decoding.options())
    given |= {"sampling": sampling.sampling()}
    postprocessing.kinds()
    columns = Columns(table.column, table.to, table.id, table.score, postprocessing.confidence)
    files, input_format, output_format = _opened(inputs, table, columns)
    # What is wrong with the model and the options is told before processes are started.
    translator = load_translator(model, arguments.ComputeArguments("cpu"), ensemble)
    check_tag(translator.tokenizers, lines.tag)
    postprocessor, glossary = postprocessing.postprocessor(), terms.read(translator)
    own = own_options(translator.options, attention=bool(postprocessor), glossary=glossary, **asdict(lines), **given)
    check_attention(translator, own, postprocessor)
    logger.debug("search: %s", own)
    how = compute.device, compute.precision, translator.ensemble.averaged
    directories = tuple(directory.absolute() for directory in translator.directories)
    source = ModelSource(directories, *how, identity=translator.identity)
    del translator
    # Workers have other working directories.
    output = OutputFolder(absolute(table.output), output_format)
    is_single = len(files) == 1
    spec = JobSpec(source, own, postprocessor, columns, input_format, output, table.shard_rows, is_single)
    pool = Pool(cluster.address, cluster.workers, compute.threads or 1, compute.device)
    if pool.workers is not None and pool.address is None:
        remark_on_threads(pool.workers * pool.threads, f"--workers {pool.workers} --threads {pool.threads}")
    _run(files, spec, pool, log)


def _opened(inputs: Sequence[str], table: TableArguments, columns: Columns) -> tuple[list[InputFile], str, str]:
    """Finds the files of the input, and tells the formats of input and output.

    Raises:
        ConfigError: the formats do not go together, or not with the columns; or the output is inside the input.
        DataError, InputFileError: there are no files, or of several formats.
    """
    from nmt.bulk.file_systems import locate
    from nmt.bulk.inputs import FORMATS, JSONL, TEXT, find_inputs
    from nmt.bulk.inputs import input_format as format_of_inputs
    from nmt.bulk.shards import RAW_LINE

    check_choice("--input-format", table.input_format, (*FORMATS, "auto"))
    output = locate(table.output).real()
    for root in inputs:
        location = locate(root).real()
        is_same_system = location.files.equals(output.files)
        if is_same_system and f"{output.path.rstrip('/')}/".startswith(f"{location.path.rstrip('/')}/"):
            raise ConfigError("--output", f"{table.output} is inside the input {root}, of which it would become a part")
    files = find_inputs(inputs)
    input_format = format_of_inputs(files) if table.input_format == "auto" else table.input_format
    output_format = table.output_format or FORMATS[input_format][0]
    if output_format not in FORMATS[input_format]:
        expected = " or ".join(FORMATS[input_format])
        raise ConfigError("--format", f"is {expected} for an input of {input_format}, not {output_format!r:.40}")
    if input_format == TEXT and columns.source != TEXT:
        raise ConfigError("--column", f"is {columns.source!r}, but lines of text have one column, {TEXT!r}")
    if input_format == JSONL and columns.to == RAW_LINE:
        raise ConfigError("--to", f"is {RAW_LINE!r}, the field in which a line that is no object of JSON is kept")
    given = {"--id": columns.id is not None, "--score": columns.score, "--confidence": columns.confidence}
    if output_format == TEXT and (refused := [option for option, is_given in given.items() if is_given]):
        raise ConfigError(refused[0], "has no place in text: expected --format parquet or jsonl")
    return files, input_format, output_format


def _show(progress: JobProgress) -> str:
    from nmt.training.progress import duration

    speed = progress.rows / max(progress.seconds, 1e-9)
    left = progress.seconds * (1 - progress.share) / progress.done if progress.done else float("inf")
    return f"translated: {progress.rows:,} rows, {progress.share:.1%}, {speed:,.0f} rows/s, {duration(left)} left"


def _run(files: Sequence[InputFile], spec: JobSpec, pool: Pool, log: arguments.LoggingArguments) -> None:
    """Runs the job, shows how far it is, and tells how it ended; raises DataError where rows were not translated."""
    from nmt.bulk.job import JobProgress, run_job
    from nmt.training.progress import TrainingProgress, duration

    progress = JobProgress()
    with silent_libraries(), closing(TrainingProgress(quiet=log.quiet)) as bar:
        for progress in run_job(files, spec, pool, logger.warning):
            if progress.seconds:  # else it is finished already
                bar.show(progress.share, _show(progress))
    output = spec.output.root
    if not progress.rows and not progress.seconds:
        logger.info("%s: finished before: %s rows", output, f"{progress.skipped:,}")
    else:
        before = f"; {progress.skipped:,} were finished before" if progress.skipped else ""
        speed = progress.rows / max(progress.seconds, 1e-9)
        took = duration(progress.seconds)
        logger.info("%s: translated %s rows in %s, %.0f rows/s%s", output, f"{progress.rows:,}", took, speed, before)
    if progress.errors:
        raise DataError(output, f"rows that could not be translated, as _errors tells: {progress.errors:,}")
