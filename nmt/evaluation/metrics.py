"""Scores of translations: BLEU, chrF and TER as sacreBLEU computes them, and perplexity.

sacreBLEU (Post 2018, arXiv:1804.08771) does the counting. What is added: types, errors that name files, and the
certainty that nothing is downloaded.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from nmt.errors import ConfigError, DataError, Problem
from nmt.evaluation.spacing import unspaced_tokenizer

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

METRICS = ("bleu", "chrf", "ter")

TITLES = {"bleu": "BLEU", "chrf": "chrF2", "ter": "TER"}
"""sacreBLEU's name of each metric."""

# sacreBLEU's extra that brings the package a tokenizer needs.
_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}

# As many lines that end in a separated full stop make sacreBLEU call a translation tokenized.
_SUSPICIOUS_LINES = 100

logger = logging.getLogger(__name__)


class Text(NamedTuple):
    """Lines of a file, and its name for errors."""

    name: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Bootstrap:
    """The distribution of a score over resampled test sets (Koehn 2004).

    Attributes:
        samples: number of resampled sets.
        mean: the mean score of the samples.
        interval: mean minus and plus half the width of the range that holds 95 % of the samples.
    """

    samples: int
    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Score:
    """A translation's score by one metric, in [0, 100] (TER: at least 0, lower is better), with its signature."""

    score: float
    signature: str
    bootstrap: Bootstrap | None = None


@dataclass(frozen=True)
class Scores:
    """The scores of one translation, by metric: `bleu`, `chrf`, `ter`."""

    scores: Mapping[str, Score]
    sentences: int

    def __getitem__(self, metric: str) -> Score:
        return self.scores[metric]


def evaluate(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    metrics: Sequence[str] = METRICS,
    tokenize: str = "13a",
    lowercase: bool = False,
    bootstrap: int = 0,
    hypotheses_name: str = "hypotheses",
    reference_names: Sequence[str] | None = None,
) -> Scores:
    """Scores a translation as sacreBLEU's own command does.

    Args:
        hypotheses: the translation, a sentence each.
        references: one or more reference translations of the same sentences.
        metrics: some of `METRICS`; chrF is chrF2 (character n-grams only, beta 2).
        tokenize: sacreBLEU's tokenizer for BLEU.
        lowercase: compare without case in BLEU; as with sacreBLEU's option, chrF always sees it and TER never does.
        bootstrap: samples of the set for a confidence interval, at least 2; 0 for none.
        hypotheses_name, reference_names: of the translation and of each reference, for errors.

    Raises:
        ConfigError: a metric or tokenizer that sacreBLEU does not have or cannot load here, or an impossible number.
        DataError: no sentences, or different numbers of them.
    """
    check_metrics(metrics, tokenize, bootstrap)
    names = reference_names or [f"reference {number}" for number in range(1, len(references) + 1)]
    check_counts((hypotheses_name, len(hypotheses)), list(zip(names, map(len, references), strict=True)))
    hypotheses = stripped(hypotheses)
    references = [stripped(reference) for reference in references]
    warn_of_tokenized(hypotheses, references, hypotheses_name)
    scores = {
        metric: score_with(build_metric(metric, tokenize, lowercase=lowercase), hypotheses, references, bootstrap)
        for metric in metrics
    }
    return Scores(scores, sentences=len(hypotheses))


def stripped(lines: Sequence[str]) -> list[str]:
    """Returns the lines without white space at their end, as sacreBLEU's command reads them."""
    return [line.rstrip() for line in lines]


def perplexity(loss: float, tokens: int) -> float:
    """Returns exp(loss / tokens) of a loss in nats summed over target tokens, end marks included; inf beyond a float.

    Raises:
        ValueError: no tokens.
    """
    if tokens < 1:
        raise ValueError(f"perplexity of {tokens} tokens: expected at least 1")
    try:
        return math.exp(loss / tokens)
    except OverflowError:
        return math.inf


def check_metrics(metrics: Sequence[str], tokenize: str = "13a", bootstrap: int = 0) -> None:
    """Checks the arguments of `evaluate` before anything costly is done.

    Raises:
        ConfigError: `evaluate` cannot use them; it has every reason.
    """
    known = ", ".join(METRICS)
    unknown = [metric for metric in metrics if metric not in METRICS]
    problems = [Problem("--metric", f"unknown metric {metric!r}: expected one of {known}") for metric in unknown]
    if not metrics:
        problems.append(Problem("--metric", f"none given: expected some of {known}"))
    if bootstrap < 0 or bootstrap == 1:
        problems.append(Problem("--bootstrap", f"{bootstrap} samples: expected 0 or at least 2"))
    seed = os.environ.get("SACREBLEU_SEED", "0")
    if bootstrap > 1 and seed.lower() != "none" and not seed.isdecimal():
        problems.append(Problem("SACREBLEU_SEED", f"{seed!r}: expected a number or none"))
    if "bleu" in metrics:
        problems += tokenizer_problems(tokenize)
    if problems:
        raise ConfigError.from_problems(problems)


def check_counts(hypotheses: tuple[str, int], references: Sequence[tuple[str, int]]) -> None:
    """Refuses to score half of a file.

    Texts are names and numbers of sentences; in place of a translation stands its source before it is translated.

    Raises:
        DataError: no sentences, no references, or different numbers of sentences.
    """
    hypotheses_name, expected = hypotheses
    if not references:
        raise DataError(hypotheses_name, "no references to compare with")
    different = [(name, count) for name, count in references if count != expected]
    if different:
        what = f"sentences, but {hypotheses_name} has {expected}"
        raise DataError.from_problems([Problem(name, f"{count} {what}") for name, count in different])
    if expected == 0:
        raise DataError(hypotheses_name, "no sentences to score")


def tokenizer_problems(tokenize: str, where: str = "--tokenize") -> list[Problem]:
    """Finds what hinders a tokenizer for BLEU that is named at `where`: it is unknown, or lacks what it needs."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    if tokenize not in BLEU.TOKENIZERS:
        what = f"unknown tokenizer {tokenize!r}: expected one of {', '.join(BLEU.TOKENIZERS)}"
        return [Problem(where, what)]
    if tokenize in SPM_MODELS:
        model = Path(SACREBLEU_DIR, "models", PurePosixPath(SPM_MODELS[tokenize]["url"]).name)
        if not model.exists():
            what = f"tokenizer {tokenize!r} needs {model}, which sacreBLEU would download: expected it to be there"
            return [Problem(where, what)]
    try:
        build_metric("bleu", tokenize, lowercase=False)
    except (RuntimeError, ImportError, AssertionError, OSError) as error:
        # The ways in which sacreBLEU's tokenizers report a missing package, dictionary or model.
        reason = " ".join(str(error).split())
        if extra := _EXTRAS.get(tokenize):
            reason = f"expected the packages of sacrebleu[{extra}] (pip install 'sacrebleu[{extra}]')"
        return [Problem(where, f"tokenizer {tokenize!r} cannot be loaded: {reason}")]
    return []


def build_metric(name: str, tokenize: str, *, lowercase: bool) -> Metric:
    """Builds sacreBLEU's metric of a name in `METRICS`; the arguments are those of `evaluate`."""
    from sacrebleu.metrics.bleu import BLEU

    from nmt.evaluation.sampling_fault import SampledCHRF, SampledTER

    match name:
        case "bleu":
            # "spm" is sacreBLEU's old name for flores101. Forced: its three warnings are one line of ours.
            return BLEU(tokenize="flores101" if tokenize == "spm" else tokenize, lowercase=lowercase, force=True)
        case "chrf":
            return SampledCHRF()
        case _:
            return SampledTER()


def split_words(tokenize: str, *, lowercase: bool) -> Callable[[str], list[str]]:
    """Returns a function that splits a line into words as BLEU does; the arguments are those of `evaluate`."""
    from sacrebleu.metrics.bleu import BLEU

    metric = build_metric("bleu", tokenize, lowercase=lowercase)
    assert isinstance(metric, BLEU)
    tokenizer = metric.tokenizer
    return lambda line: str(tokenizer((line.lower() if lowercase else line).rstrip())).split()


def score_with(metric: Metric, hypotheses: Sequence[str], references: Sequence[Sequence[str]], bootstrap: int) -> Score:
    """Scores lines that are stripped at their end, with `bootstrap` samples for an interval, 0 for none."""
    result = metric.corpus_score(hypotheses, references, n_bootstrap=bootstrap)
    signature = metric.get_signature().format()
    if not bootstrap:
        return Score(result.score, signature)
    # 17 digits hold a float exactly. Fields of a mean that is 0 are left out.
    report = json.loads(result.format(width=17, signature=signature, is_json=True))
    mean, half = report.get("confidence_mean", 0.0), report.get("confidence_var", 0.0)
    return Score(result.score, signature, Bootstrap(bootstrap, mean, (mean - half, mean + half)))


def warn_of_unspaced(references: Sequence[Text], tokenize: str) -> None:
    """Warns where BLEU is to find words between spaces, and references have none."""
    if tokenize not in ("13a", "intl", "none"):
        return
    for name, lines in references:
        if fitting := unspaced_tokenizer(lines):
            names = {"zh": "zh", "char": "char (or, for Japanese, ja-mecab)"}[fitting]
            what = "no spaces between words, by which BLEU finds them; chrF does not mind, and --tokenize %s fits"
            logger.warning(f"%s: {what}", name, names)
            return


def warn_of_tokenized(hypotheses: Sequence[str], references: Sequence[Sequence[str]], name: str) -> None:
    """Warns of a translation that is tokenized, which scores badly against references that are not."""
    tokenized = sum(line.endswith(" .") for line in hypotheses)
    if tokenized >= _SUSPICIOUS_LINES > max(sum(line.endswith(" .") for line in lines) for lines in references):
        logger.warning("%s: %d lines end in ' .': tokenized, unlike the references?", name, tokenized)
