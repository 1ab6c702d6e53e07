"""The score that chooses the best checkpoint, and the tokenizer of its BLEU; `auto` depends on the references."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from nmt.config import TrainingConfig
from nmt.errors import Problem
from nmt.evaluation.metrics import split_words, tokenizer_problems
from nmt.evaluation.spacing import mean_sequences, unspaced_tokenizer

logger = logging.getLogger(__name__)

AUTO = "auto"
DEFAULT_TOKENIZER = "13a"

FEW_SEQUENCES = 0.5
"""As few sequences of four words in a mean line make BLEU 0, or a matter of chance."""

TITLES = {"bleu": "BLEU", "chrf": "chrF", "perplexity": "perplexity"}
"""The names of scores in the log."""

# Tokenizers that find words between spaces only.
_BY_SPACES = ("13a", "intl", "none")


class Scoring(NamedTuple):
    """What a validation is judged by."""

    metric: str  # bleu, chrf or perplexity
    tokenize: str  # sacreBLEU's tokenizer for BLEU
    reason: str = ""  # in words, where `auto` chose anything but BLEU by its default tokenizer

    @property
    def bleu_title(self) -> str:
        """BLEU, with its tokenizer where that is not the default."""
        return "BLEU" if self.tokenize == DEFAULT_TOKENIZER else f"BLEU ({self.tokenize})"

    def log(self) -> None:
        """Logs by which score the best checkpoint is chosen."""
        title = self.bleu_title if self.metric == "bleu" else TITLES[self.metric]
        logger.info(
            "validation: the best checkpoint is chosen by %s%s", title, f": {self.reason}" if self.reason else ""
        )


def validation_problems(config: TrainingConfig, resumed: Scoring | None = None) -> list[Problem]:
    """Finds what the tokenizer for the BLEU of validations lacks here; that of a resumed training, if there is one."""
    chosen = resumed.tokenize if resumed else config.validation_tokenize
    return [] if chosen == AUTO else tokenizer_problems(chosen, "training.validation_tokenize")


def choose_scoring(config: TrainingConfig, references: Sequence[str]) -> Scoring:
    """Resolves `auto` by the references of the validation: a function of them and of two keys.

    BLEU chooses the best checkpoint where its tokenizer finds words in them, and chrF elsewhere: BLEU would be 0 for
    ever, and no checkpoint better than the first. `config.validation_tokenize` must be one that can be loaded.
    """
    lines = [line for line in references if line.strip()]
    unspaced = unspaced_tokenizer(lines)
    tokenize: str = config.validation_tokenize
    if tokenize == AUTO:
        tokenize = unspaced or DEFAULT_TOKENIZER
    metric, reason = config.early_stopping_metric, ""
    if unspaced and (config.validation_tokenize in (AUTO, *_BY_SPACES)):
        reason = "the references are written without spaces between words"
    elif mean_sequences(list(map(split_words(tokenize, lowercase=False), lines))) < FEW_SEQUENCES:
        reason = "most references have fewer than four words, too few for BLEU"
    if metric == AUTO:
        return Scoring("chrf" if reason else "bleu", tokenize, reason)
    return Scoring(metric, tokenize)
