"""The configuration of the right size for a corpus, by a short trial on the machine that will train."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nmt.config import Config, from_yaml
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.errors import DataError
from nmt.io.lines import Line
from nmt.preflight.findings import Finding, Findings
from nmt.preflight.languages import PairProfile, language_findings
from nmt.preflight.proposal import corpus_size
from nmt.preflight.reading import LinePair
from nmt.preflight.reservoir import Reservoir
from nmt.preflight.tokens import CORPUS, LONGEST, TokenizedSample, tokenize_sample
from nmt.preflight.trial import LONGEST_SECONDS, Trial, TrialPlan, TrialTooLongError
from nmt.recipes.choice import FEW_UPDATES, LONGEST_SENTENCE, choose, enough_minutes, vocabulary_size
from nmt.recipes.networks import SMALL
from nmt.recipes.recipe import CorpusSize, Recipe, Setting, configuration_text
from nmt.training.progress import count_until_stopped, duration
from nmt.training.signals import StopRequest

logger = logging.getLogger(__name__)

_BATCH_TOKENS = 1024  # of the updates of the trial

FEW_PAIRS = 1_000
"""Training pairs below which nothing is learned that translates other sentences."""

ASSUMED_SPEED = 5_000.0
"""Target tokens a second that the small network is taken to train where no trial is made: two cores of a laptop."""


@dataclass(frozen=True)
class TrialOptions:
    """Where and how a training would run, whether that is tried, and whether progress is shown."""

    device: str = "auto"
    threads: int | None = None
    trial: bool = True
    quiet: bool = True


@dataclass(frozen=True)
class RightSize:
    """A recipe, and what it was chosen by."""

    recipe: Recipe
    corpus: CorpusSize
    speed: float | None  # target tokens a second that the small network trained in the trial; None without one
    language_findings: tuple[Finding, ...] = ()  # what speaks against the languages of the sides

    def updates(self) -> str:
        """Says how many updates are expected, in what time."""
        recipe = self.recipe
        plural = "" if recipe.updates == 1 else "s"
        text = f"about {recipe.updates:,} update{plural} in {duration(60 * recipe.minutes)}, {_passes(recipe.epochs)}"
        return text if self.speed else f"{text}, if this machine, which was not tried, is like a laptop"

    def warnings(self) -> list[str]:
        """Returns what makes a training hopeless: too few pairs, or too little time."""
        recipe, pairs = self.recipe, self.corpus.pairs
        if pairs < FEW_PAIRS:
            what = f"{pairs:,} training pairs are too few to learn from them to translate other sentences"
            return [f"{what}; find more: some thousands are a beginning"]
        if recipe.updates >= FEW_UPDATES:
            return []
        what = f"so few updates, about {recipe.updates:,}, teach hardly anything"
        minutes = enough_minutes(self.corpus, self.speed or ASSUMED_SPEED)
        if minutes is None:
            return [f"{what}, and more of them gain nothing with so small a corpus; find more pairs"]
        busy = "if this machine is busy with something else, try again when it is not; or " if self.speed else ""
        return [f"{what}; {busy}give --minutes {minutes} or more"]

    def configuration(self, run: Mapping[str, object], data: Mapping[str, object]) -> str:
        """Writes the configuration of a run: `run` holds its `name`, and its `seed` if it is given one."""
        recipe, corpus = self.recipe, self.corpus
        machine = (
            f"a machine that was not tried (taken for one of {ASSUMED_SPEED:,.0f} target tokens a second)"
            if self.speed is None
            else f"a machine on which the small network trains {self.speed:,.0f} target tokens a second"
        )
        remark = (
            f"Chosen for {corpus.pairs:,} training pairs of about {corpus.target_tokens:.0f} tokens and {machine}: the "
            f"{recipe.network} network makes about {recipe.updates:,} updates in {duration(60 * recipe.minutes)}, "
            f"{_passes(recipe.epochs)}."
        )
        return recipe.configuration(run, data, [remark])


def _passes(epochs: float) -> str:
    """Says how much of the corpus is read, or how many times all of it."""
    if epochs >= 0.95:
        return f"{epochs:.1f} times through the corpus"
    return f"{100 * epochs:.0f} % of the corpus" if epochs >= 0.01 else "less than 1 % of the corpus"


def right_size(data: Mapping[str, object], minutes: float, options: TrialOptions, stop: StopRequest) -> RightSize:
    """Chooses the recipe for the training corpus of a section `data`, and for minutes of training.

    Reads the corpus once, with memory that does not grow with it, and trains the small network for some seconds, in a
    process of its own, unless no trial is wanted.

    Raises:
        DataError: the corpus holds nothing to learn from.
        InputFileError: a file cannot be read.
        StoppedError: a signal came.
        NmtError: the errors that training would end with.
    """
    config = _trial_config(data, vocabulary_size(1))
    files = CorpusFiles.from_config(*config.data.train)
    sample = _sample(files, config.seed, options, stop)
    sides = PairProfile.from_pairs(files.pairs[0], sample.pairs)
    found = language_findings((config.data.source_language, config.data.target_language), sides)
    logger.info("training a tokenizer%s", " and some updates, to learn how fast this machine is" * options.trial)
    vocabulary = vocabulary_size(sample.pairs_met)
    with tempfile.TemporaryDirectory(prefix="nmt-trial-") as name:
        trial = _tokenized(data, vocabulary, files, sample, Path(name) / "trial", stop)
        speed = _speed(trial, options, stop) if options.trial else None
        size = trial.size
        recipe = choose(size, minutes, speed or ASSUMED_SPEED)
        wanted = next(setting.value for setting in recipe.settings if setting.key == "tokenizer.vocabulary_size")
        if wanted != vocabulary:  # by a smaller one, sentences have more tokens
            size = _tokenized(data, wanted, files, sample, Path(name) / "recipe", stop).size
            recipe = choose(size, minutes, speed or ASSUMED_SPEED)
    return RightSize(recipe, size, speed, tuple(found.sorted()))


class _Tokenized(NamedTuple):
    """A sample of a corpus in the tokens of a vocabulary."""

    config: Config  # of the small network
    folder: Path  # that holds it
    sample: TokenizedSample
    size: CorpusSize  # of the whole corpus


def _tokenized(
    data: Mapping[str, object],
    vocabulary: object,
    files: CorpusFiles,
    sample: Reservoir,
    folder: Path,
    stop: StopRequest,
) -> _Tokenized:
    config, findings = _trial_config(data, vocabulary), Findings()
    folder.mkdir()
    tokenized = tokenize_sample(config, sample, files, None, folder, findings, stop)
    if tokenized is None:
        problems = [f"{finding.where}: {finding.what}" for finding in findings.sorted()]
        raise DataError(files.source[0], "; ".join(["nothing to learn from", *problems]))
    kept = round(sample.pairs_met * tokenized.report.kept / tokenized.report.read)
    return _Tokenized(config, folder, tokenized, corpus_size(tokenized, kept))


def _trial_config(data: Mapping[str, object], vocabulary: object) -> Config:
    """Makes the configuration of the small network with a vocabulary of a size."""
    settings = [
        Setting("data.max_length", LONGEST_SENTENCE, ""),  # so that the sample has the lengths that a recipe can take
        Setting("tokenizer.vocabulary_size", vocabulary, ""),
        *(Setting(key, value, "") for key, value in SMALL.settings().items()),
        Setting("training.batch_tokens", _BATCH_TOKENS, ""),
    ]
    return from_yaml(configuration_text(settings, {"name": "trial"}, data), "configuration")


def _sample(files: CorpusFiles, seed: int, options: TrialOptions, stop: StopRequest) -> Reservoir:
    """Draws a sample from all over a corpus."""
    sample = Reservoir(seed)
    with count_until_stopped("reading", "pairs", stop, quiet=options.quiet) as show:
        for pair in read_pairs(files, lambda _: None):  # of lines not UTF-8, training itself warns
            source, target = (Line(pair.number, text, too_long=pair.too_long) for text in (pair.source, pair.target))
            sample.add(LinePair(pair.file, source, target))
            if sample.pairs_met % 1024 == 0:
                show(sample.pairs_met)
    return sample


def _speed(tokenized: _Tokenized, options: TrialOptions, stop: StopRequest) -> float:
    """Returns the target tokens a second of some updates."""
    plan = TrialPlan(
        tokenized.config.as_yaml(),
        options.device,
        options.threads,
        sizes=tokenized.sample.sizes,
        tokenizers=tokenized.sample.tokenizers.models,
        timed=tokenized.folder / CORPUS,
        longest=tokenized.folder / LONGEST,
    )
    with Trial(plan, stop) as trial:
        try:
            trial.model()
            outcome = trial.outcome()
        except TrialTooLongError:  # a machine that is hardly there
            return _BATCH_TOKENS / LONGEST_SECONDS
    return outcome.target_tokens / outcome.seconds
