"""The configuration of the right size for a corpus, by a short trial on the machine that will train."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nmt.config import Config, from_yaml
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.errors import DataError
from nmt.io.lines import Line
from nmt.preflight.findings import Findings
from nmt.preflight.proposal import corpus_size
from nmt.preflight.reading import LinePair
from nmt.preflight.reservoir import Reservoir
from nmt.preflight.tokens import CORPUS, LONGEST, TokenizedSample, tokenize_sample
from nmt.preflight.trial import Trial, TrialPlan
from nmt.recipes.choice import choose, vocabulary_size
from nmt.recipes.networks import SMALL
from nmt.recipes.recipe import CorpusSize, Recipe, Setting, configuration_text
from nmt.training.progress import count_until_stopped
from nmt.training.signals import StopRequest

_BATCH_TOKENS = 1024  # of the updates of the trial


@dataclass(frozen=True)
class TrialOptions:
    """Where and how a training would run, and whether progress is shown."""

    device: str = "auto"
    threads: int | None = None
    quiet: bool = True


@dataclass(frozen=True)
class RightSize:
    """A recipe, and what it was chosen by."""

    recipe: Recipe
    corpus: CorpusSize
    speed: float  # target tokens a second that the small network trained in the trial

    def configuration(self, name: str, data: Mapping[str, object]) -> str:
        """Writes the configuration of a run of that name with that section `data`."""
        recipe, corpus = self.recipe, self.corpus
        remarks = [
            f"Chosen for {corpus.pairs:,} pairs of about {corpus.target_tokens:.0f} tokens and a machine on which the "
            f"small network trains {self.speed:,.0f} target tokens a second: the {recipe.network} network makes about "
            f"{recipe.updates:,} updates in {recipe.minutes:.3g} minutes, {recipe.epochs:.1f} times through the corpus."
        ]
        return recipe.configuration(name, data, remarks)


def right_size(data: Mapping[str, object], minutes: float, options: TrialOptions, stop: StopRequest) -> RightSize:
    """Chooses the recipe for the training corpus of a section `data`, and for minutes of training.

    Reads the corpus once, with memory that does not grow with it, and trains the small network for some seconds, in a
    process of its own.

    Raises:
        DataError: the corpus holds nothing to learn from.
        InputFileError: a file cannot be read.
        StoppedError: a signal came.
        NmtError: the errors that training would end with.
    """
    config = _trial_config(data, 1)
    files = CorpusFiles(config.data.train.source, config.data.train.target)
    sample = _sample(files, config.seed, options, stop)
    config = _trial_config(data, sample.pairs_met)
    with tempfile.TemporaryDirectory(prefix="nmt-trial-") as name:
        folder = Path(name)
        findings = Findings()
        tokenized = tokenize_sample(config, sample, files, None, folder, findings, stop)
        if tokenized is None:
            problems = [f"{finding.where}: {finding.what}" for finding in findings.sorted()]
            raise DataError(files.source[0], "; ".join(["nothing to learn from", *problems]))
        size = corpus_size(tokenized, round(sample.pairs_met * tokenized.report.kept / tokenized.report.read))
        speed = _speed(config, tokenized, folder, options, stop)
    return RightSize(choose(size, minutes, speed), size, speed)


def _trial_config(data: Mapping[str, object], pairs: int) -> Config:
    """Makes the configuration of the small network for a corpus of so many pairs."""
    settings = [
        Setting("tokenizer.vocabulary_size", vocabulary_size(pairs), ""),
        *(Setting(key, value, "") for key, value in SMALL.settings().items()),
        Setting("training.batch_tokens", _BATCH_TOKENS, ""),
    ]
    return from_yaml(configuration_text(settings, "trial", data), "configuration")


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


def _speed(config: Config, tokenized: TokenizedSample, folder: Path, options: TrialOptions, stop: StopRequest) -> float:
    """Returns the target tokens a second of some updates."""
    plan = TrialPlan(
        config.as_yaml(),
        options.device,
        options.threads,
        sizes=tokenized.sizes,
        tokenizers=tokenized.tokenizers.models,
        timed=folder / CORPUS,
        longest=folder / LONGEST,
    )
    with Trial(plan, stop) as trial:
        trial.model()
        outcome = trial.outcome()
    return outcome.target_tokens / outcome.seconds
