"""The preflight check of a configuration: run directory, files, text, tokens, and a trial of a few updates."""

from __future__ import annotations

import errno
import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from nmt.config import Config
from nmt.config.relative_paths import explain_missing
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
from nmt.preflight.estimates import TrainingLength, estimate_disk, estimate_memory, estimate_time
from nmt.preflight.files import TRAINING, FileInventory, PairSet, check_files, estimated_lines, pair_sets
from nmt.preflight.findings import Finding, Findings, Group, exit_code
from nmt.preflight.proposal import propose
from nmt.preflight.regularization import check_alignments, check_regularization
from nmt.preflight.reservoir import Reservoir
from nmt.preflight.run_directory import ResumableRun, check_run_directory
from nmt.preflight.scan import scan
from nmt.preflight.tokens import CORPUS, LONGEST, TokenizedSample, tokenize_sample
from nmt.preflight.trial import LONGEST_SECONDS, Trial, TrialModel, TrialOutcome, TrialPlan, TrialTooLongError
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.metrics_log import without_tensorboard
from nmt.training.preparation import check_fingerprint, pair_filter_from_config
from nmt.training.progress import count_until_stopped
from nmt.training.resuming import check_validation, read_validation_pairs
from nmt.training.scoring import validation_problems
from nmt.training.signals import StopRequest

_KINDS: dict[type[NmtError], str] = {MemoryExhaustedError: "memory", NonFiniteError: "diverged"}


@dataclass(frozen=True)
class PreflightReport:
    """The findings and estimates of a check."""

    findings: tuple[Finding, ...]  # in the order in which training would come upon them
    estimates: dict[str, Any]  # numbers of the training to come, by name, as far as they are known

    @property
    def exit_code(self) -> int:
        """The exit code that training would end with; 0 if no error was found."""
        return exit_code(self.findings)


@dataclass(frozen=True)
class PreflightOptions:
    """Options of a check, and those that `nmt train` would be called with."""

    full: bool = False  # read large files to their ends
    trial: bool = True  # make a few updates
    restart: bool = False
    device: str = "auto"
    threads: int | None = None
    quiet: bool = True  # show no progress
    configuration: str | None = None  # its file, to tell where relative paths would be found


def check(config: Config, run: Path, options: PreflightOptions | None = None) -> PreflightReport:
    """Finds what would make the training of a configuration fail or disappoint.

    Writes nothing but in a temporary folder, which is removed.

    Raises:
        StoppedError: a signal came.
        StorageError: the temporary folder cannot be written.
    """
    with StopRequest() as stop, _temporary_folder() as folder:
        return _Preflight(config, run, options or PreflightOptions(), stop, folder).run()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Yields a folder that is removed afterwards, and turns errors of writing there into errors that name it."""
    folder = "TMPDIR"
    try:
        with tempfile.TemporaryDirectory(prefix="nmt-check-") as folder:
            yield Path(folder)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) and folder != "TMPDIR":
            raise
        raise StorageError(folder, f"no temporary files can be written there: {error.strerror}") from error


@dataclass
class _Preflight:
    """A preflight check."""

    _config: Config
    _run: Path
    _options: PreflightOptions
    _stop: StopRequest
    _folder: Path
    _findings: Findings = field(default_factory=Findings)
    _estimates: dict[str, Any] = field(default_factory=dict)

    def run(self) -> PreflightReport:
        """Checks everything, in the order of a training, whatever is found on the way."""
        config, findings = self._config, self._findings
        if config.training.tensorboard and importlib.util.find_spec("tensorboard") is None:
            findings.error(Group.RUN, "tensorboard", without_tensorboard())
        if problems := validation_problems(config.training):
            findings.error(Group.RUN, "validation_tokenize", ConfigError.from_problems(problems))
        resumable = check_run_directory(config, self._run, self._options.restart, findings)
        given = self._take_over(resumable)
        config = self._config
        if resumable is None or not resumable.finished:
            check_regularization(config, findings)
            files = check_files(config, self._options.full, findings, self._stop.check)
            if what := explain_missing(files.missing, self._options.configuration):
                findings.inform(Group.FILES, "relative_paths", "", what)
            training, *_ = pair_sets(config)
            if resumable is not None and files.counted and files.pairs(training.files) is not None:
                self._check_unchanged(training, resumable)
            if files.pairs(training.files) is not None and not findings.has("unequal_lines"):
                check_alignments(config, training.files, self._options.full, findings, self._stop.check)
            sample = self._scan(files)[TRAINING]
            tokenized = None
            if sample.pairs:
                tokenized = tokenize_sample(config, sample, training.files, given, self._folder, findings, self._stop)
            self._try(tokenized, _count_pairs(files, training, sample), resumable)
        return PreflightReport(tuple(findings.sorted()), self._estimates)

    def _take_over(self, resumable: ResumableRun | None) -> Tokenizers | None:
        """Takes the configuration of the run that goes on, or what is inherited; returns tokenizers that are there."""
        if resumable is not None:
            self._config = resumable.config
            return resumable.tokenizers
        if self._config.training.initialize_from is None:
            return None
        from nmt.training.initialization import KEY, inherited, open_origin, unsuited_tokenizers

        with self._findings.catching(Group.RUN, "initialize_from", NmtError):
            origin = open_origin(self._config, self._run, outline=True)
            if origin is not None:
                if what := unsuited_tokenizers(self._config, origin.config):
                    what, _, advice = what.partition("; ")
                    self._findings.warn(Group.RUN, "tokenizers_reversed", KEY, what, advice)
                self._config = inherited(self._config, origin.config)
                return origin.tokenizers if self._config.training.initialize_tokenizers else None
        return None

    def _check_unchanged(self, training: PairSet, resumable: ResumableRun) -> None:
        with self._findings.catching(Group.FILES, "corpus_changed", DataError, InputFileError):
            pair_filter = pair_filter_from_config(self._config)
            fingerprint = corpus_fingerprint(training.files, resumable.tokenizers, pair_filter, tick=self._stop.check)
            check_fingerprint(training.files, fingerprint, resumable.state.corpus)
        with self._findings.catching(Group.FILES, "validation_changed", DataError, InputFileError):
            check_validation(self._config, read_validation_pairs(self._config), resumable.state)

    def _scan(self, files: FileInventory) -> dict[str, Reservoir]:
        with count_until_stopped("reading", "pairs", self._stop, quiet=self._options.quiet) as show:
            return scan(self._config, files, full=self._options.full, findings=self._findings, progress=show)

    def _try(self, tokenized: TokenizedSample | None, pairs: int, resumable: ResumableRun | None) -> None:
        """Tries what can be tried: the device, the size of the model, a few updates."""
        plan = TrialPlan(self._config.as_yaml(), self._options.device, self._options.threads)
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
            self._estimates |= {"parameters": model.parameters, "device": model.device, "precision": model.precision}
        if tokenized is not None:
            length = TrainingLength.from_sample(self._config, tokenized, pairs)
            self._estimates |= estimate_time(self._config, length, outcome, resumable, self._findings)
            if outcome is not None:
                if resumable is None and self._config.training.initialize_from is None:
                    seconds = self._estimates.get("seconds")
                    self._estimates |= propose(self._config, length, tokenized, outcome, seconds, self._findings)
                self._estimates |= estimate_memory(outcome, self._findings)
            if model is not None:
                self._estimates |= estimate_disk(
                    self._config, self._run, model, tokenized, length.pairs, resumable, self._findings
                )

    def _outcome(self, plan: TrialPlan) -> tuple[TrialModel | None, TrialOutcome | None]:
        model: TrialModel | None = None
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


def _count_pairs(files: FileInventory, training: PairSet, sample: Reservoir) -> int:
    """Returns about how many pairs there are for training."""
    counted = files.pairs(training.files)
    if counted is not None:
        return counted
    by_file = groupby(sample.pairs, key=lambda pair: pair.file)
    return sum(estimated_lines(training.files.source[file], [pair.source for pair in some]) for file, some in by_file)
