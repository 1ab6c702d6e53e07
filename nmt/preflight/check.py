"""A configuration checked as a whole: run directory, files, text, tokens, and a trial of a few updates."""

from __future__ import annotations

import errno
import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.config import Config
from nmt.corpus.fingerprint import corpus_fingerprint
from nmt.errors import (
    ConfigError,
    DataError,
    DeviceError,
    InputFileError,
    MemoryExhaustedError,
    NmtError,
    NonFiniteError,
    StoppedError,
    StorageError,
)
from nmt.preflight.estimates import Extent, expect_disk, expect_memory, expect_time
from nmt.preflight.files import TRAINING, Files, PairSet, check_files, estimated_lines, sets_of
from nmt.preflight.findings import Finding, Findings, Group, exit_code
from nmt.preflight.reservoir import Sample
from nmt.preflight.run_directory import Begun, check_place
from nmt.preflight.scan import scan
from nmt.preflight.tokens import CORPUS, LONGEST, Tokenized, tokenize
from nmt.preflight.trial import LONGEST_SECONDS, Model, Outcome, Plan, Trial, TrialTooLongError
from nmt.training.metrics_log import WITHOUT_TENSORBOARD
from nmt.training.preparation import check_fingerprint, pair_filter_from_config
from nmt.training.progress import CountProgress
from nmt.training.signals import StopRequest

_KINDS: dict[type[NmtError], str] = {MemoryExhaustedError: "memory", NonFiniteError: "diverged"}


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        findings: in the order in which training would come upon them.
        expected: numbers of the training that is to come, as far as they are known.
    """

    findings: tuple[Finding, ...]
    expected: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """The code that training would end with; 0 where nothing is known that would end it."""
        return exit_code(self.findings)


@dataclass(frozen=True)
class Options:
    """How to check, and what `nmt train` would be called with.

    Attributes:
        full: read all of large files.
        trial: make a few updates.
        restart, device, threads: as for `nmt train`.
        quiet: show no progress.
    """

    full: bool = False
    trial: bool = True
    restart: bool = False
    device: str = "auto"
    threads: int | None = None
    quiet: bool = True


def check(config: Config, run: Path, options: Options | None = None) -> Checked:
    """What a training of that configuration into that run directory would fail of, or suffer from.

    Nothing is written but in a temporary folder, which is removed.

    Raises:
        StoppedError: a signal came.
        StorageError: the temporary folder cannot be written.
    """
    with StopRequest() as stop, _temporary_folder() as folder:
        return _Check(config, run, options or Options(), stop, folder).run()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """A folder that is removed afterwards; what the system refuses to have written there names it."""
    folder = "TMPDIR"
    try:
        with tempfile.TemporaryDirectory(prefix="nmt-check-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) and folder != "TMPDIR":
            raise
        raise StorageError(folder, f"no temporary files can be written there: {error.strerror}") from error


class _Check:
    """One check."""

    def __init__(self, config: Config, run: Path, options: Options, stop: StopRequest, folder: Path) -> None:
        self._config = config
        self._run = run
        self._options = options
        self._stop = stop
        self._folder = folder
        self._findings = Findings()
        self._expected: dict[str, Any] = {}

    def run(self) -> Checked:
        """Looks at everything, in the order of a training, whatever is found on the way."""
        config, findings = self._config, self._findings
        if config.training.tensorboard and importlib.util.find_spec("tensorboard") is None:
            findings.error(Group.RUN, "tensorboard", ConfigError(*WITHOUT_TENSORBOARD))
        begun = check_place(config, self._run, self._options.restart, findings)
        if begun is None or not begun.finished:
            files = check_files(config, self._options.full, findings, self._stop.check)
            training, *_ = sets_of(config)
            if begun is not None and files.counted and files.pairs(training.files) is not None:
                self._check_unchanged(training, begun)
            sample = self._scan(files)[TRAINING]
            tokenized = None
            if sample.pairs:
                tokenized = tokenize(config, sample, training.files, begun, self._folder, findings, self._stop)
            self._try(tokenized, _pairs(files, training, sample), begun)
        return Checked(tuple(findings.sorted()), self._expected)

    def _check_unchanged(self, training: PairSet, begun: Begun) -> None:
        with self._findings.catching(Group.FILES, "corpus_changed", DataError, InputFileError):
            pair_filter = pair_filter_from_config(self._config)
            fingerprint = corpus_fingerprint(training.files, begun.tokenizers, pair_filter, tick=self._stop.check)
            check_fingerprint(training.files, fingerprint, begun.corpus)

    def _scan(self, files: Files) -> dict[str, Sample]:
        with closing(CountProgress("reading", "pairs", quiet=self._options.quiet)) as progress:

            def show(pairs: int) -> None:
                self._stop.check()
                progress.show(pairs)

            return scan(self._config, files, full=self._options.full, findings=self._findings, progress=show)

    def _try(self, tokenized: Tokenized | None, pairs: int, begun: Begun | None) -> None:
        """Tries what can be tried: the device, the size of the model, some updates."""
        plan = Plan(self._config.as_yaml(), self._options.device, self._options.threads)
        if tokenized is not None:
            plan = plan._replace(sizes=tokenized.sizes, tokenizers=tokenized.tokenizers.models)
            if self._options.trial:
                plan = plan._replace(timed=self._folder / CORPUS, longest=self._folder / LONGEST)
        elif plan.device in ("auto", "cpu"):  # there always is one
            return
        model, outcome = self._outcome(plan)
        if model is not None:
            what = f"{model.parameters:,} parameters, in {model.precision} on {model.device}"
            self._findings.inform(Group.TRAINING, "model", "", what)
            self._expected |= {"parameters": model.parameters, "device": model.device, "precision": model.precision}
        if tokenized is not None:
            extent = Extent.of(self._config, tokenized, pairs)
            self._expected |= expect_time(self._config, extent, outcome, begun, self._findings)
            if outcome is not None:
                self._expected |= expect_memory(outcome, self._findings)
            if model is not None:
                self._expected |= expect_disk(
                    self._config, self._run, model, tokenized, extent.pairs, begun, self._findings
                )

    def _outcome(self, plan: Plan) -> tuple[Model | None, Outcome | None]:
        model: Model | None = None
        try:
            with Trial(plan, self._stop) as trial:
                model = trial.model()
                return model, trial.outcome() if plan.timed is not None else None
        except TrialTooLongError:
            what = f"a few updates take more than {LONGEST_SECONDS:.0f} s"
            self._findings.warn(Group.TRAINING, "slow", "", what, "a smaller model or a faster device trains sooner")
        except StoppedError:
            raise
        except NmtError as error:
            of_device = isinstance(error, ConfigError | DeviceError)
            group, kind = (Group.DEVICE, "device") if of_device else (Group.TRAINING, _KINDS.get(type(error), "failed"))
            self._findings.error(group, kind, error)
        return model, None


def _pairs(files: Files, training: PairSet, sample: Sample) -> int:
    """About how many pairs there are for training."""
    counted = files.pairs(training.files)
    if counted is not None:
        return counted
    lines: dict[int, list[str]] = {}
    for pair in sample.pairs:
        lines.setdefault(pair.file, []).append(pair.source)
    return sum(estimated_lines(training.files.source[file], some) for file, some in lines.items())
