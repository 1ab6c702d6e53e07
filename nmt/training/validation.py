"""Validation: the loss of the model on the validation pairs, and the scores of its translations of them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from nmt.config import Config
from nmt.config.parallel_files import distinct_tags
from nmt.corpus.fingerprint import pairs_fingerprint
from nmt.errors import DataError, NonFiniteError
from nmt.evaluation.metrics import evaluate, perplexity
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.resuming import ValidationPair
from nmt.training.scoring import Scoring, choose_scoring
from nmt.translation.forced_decoding import MAX_TOKENS, TokenPair, force_decode_tokens
from nmt.translation.translator import Translator

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationResult:
    """Scores of a validation; `loss` in nats a target token, and some translations to show."""

    loss: float
    perplexity: float
    bleu: float
    chrf: float
    samples: tuple[tuple[str, str, str], ...]  # source, reference, translation
    bleu_title: str = "BLEU"  # with its tokenizer, where that is not the default

    def metric(self, name: str) -> float:
        """Returns the value of an early-stopping metric, larger for better."""
        return {"bleu": self.bleu, "chrf": self.chrf, "perplexity": -self.perplexity}[name]

    def report(self, step: int, is_best: bool) -> None:
        """Logs the scores and the samples."""
        best = " (best so far)" if is_best else ""
        scores = f"{step:,}", self.loss, self.perplexity, self.bleu_title, self.bleu, self.chrf
        logger.info("validation at step %s: loss %.3f, perplexity %.2f, %s %.2f, chrF %.2f%s", *scores, best)
        for source, reference, translation in self.samples:
            logger.info("  source      %s\n  reference   %s\n  translation %s", source, reference, translation)


class Validator:
    """Scores a model on the validation pairs, decoding with the search of the configuration."""

    def __init__(
        self,
        config: Config,
        pairs: Sequence[ValidationPair],
        tokenizers: Tokenizers,
        dtype: torch.dtype,
        scoring: Scoring | None = None,
    ) -> None:
        """Tokenises the pairs; raises DataError where all of them are blank, and ConfigError for an unknown tag.

        A resumed training gives the `scoring` that it began with; a new one chooses it by the pairs.
        """
        for tag in distinct_tags(config.data.validation):
            tokenizers.source.tag(tag, "data.validation.tag")
        if config.data.test is not None and config.data.test.tag is not None:
            tokenizers.source.tag(config.data.test.tag, "data.test.tag")
        self.fingerprint = pairs_fingerprint(pair[:2] for pair in pairs)
        self.scoring = scoring or choose_scoring(config.training, [pair.target for pair in pairs])
        self._config = config
        self._tokenizers = tokenizers
        self._dtype = dtype
        source, target = tokenizers
        ids = zip(source.encode([pair[0] for pair in pairs]), target.encode([pair[1] for pair in pairs]), strict=True)
        numbered = zip(ids, (pair.tag for pair in pairs), strict=True)
        both = [(TokenPair(*pair, number), tag) for number, (pair, tag) in enumerate(numbered, start=1) if all(pair)]
        if not both:
            raise DataError("data.validation", "every pair is blank; expected some text to validate on")
        self._read = [(pair, tag) for pair, tag in both if pair.length <= MAX_TOKENS]
        if not self._read:
            raise DataError("data.validation", f"every pair has {MAX_TOKENS:,} tokens or more; expected sentences")
        if len(self._read) < len(both):
            count = len(both) - len(self._read)
            logger.warning(
                "data.validation: the loss is without %s of %s tokens or more; BLEU and chrF are of all",
                "1 pair" if count == 1 else f"{count:,} pairs",
                f"{MAX_TOKENS:,}",
            )
        self._pairs = pairs

    def __call__(self, model: Seq2Seq, check: Callable[[], None]) -> ValidationResult:
        """Scores the model, which is left in the mode it was in.

        `check` is called between batches and between the steps of a search; what it raises ends the validation. Raises
        NonFiniteError if the model has diverged, and MemoryExhaustedError if memory does not suffice for one pair.
        """
        was_training = model.training
        model.eval()
        # A search of many lines takes longer than a request to stop should wait.
        translator = Translator(model, self._tokenizers, self._config, self._dtype, tick=check)
        try:
            loss, tokens = self._loss(translator)
            translations = self._translate(translator)
        finally:
            model.train(was_training)
        references = [pair.target for pair in self._pairs]
        scores = evaluate(translations, [references], metrics=("bleu", "chrf"), tokenize=self.scoring.tokenize)
        samples = [(*pair[:2], translation) for pair, translation in zip(self._pairs, translations, strict=True)]
        return ValidationResult(
            loss=loss / tokens,
            perplexity=perplexity(loss, tokens),
            bleu=scores["bleu"].score,
            chrf=scores["chrf"].score,
            samples=tuple(samples[: self._config.training.validation_samples]),
            bleu_title=self.scoring.bleu_title,
        )

    def _loss(self, translator: Translator) -> tuple[float, int]:
        """Returns the cross-entropy summed over target tokens, and their number."""
        try:
            scored = [
                scores
                for tag, pairs in groupby(self._read, key=lambda one: one[1])
                for scores in force_decode_tokens(translator, [pair for pair, _ in pairs], attention=False, tag=tag)
            ]
        except NonFiniteError as error:
            raise _diverged(math.nan) from error
        tokens = sum(len(scores.log_probabilities) for scores in scored)
        loss = -sum(float(scores.log_probabilities.sum(dtype="float64")) for scores in scored)
        if not math.isfinite(perplexity(loss, tokens)):
            raise _diverged(loss / tokens)
        return loss, tokens

    def _translate(self, translator: Translator) -> list[str]:
        translations: list[str] = []
        for tag, pairs in groupby(self._pairs, key=lambda pair: pair.tag):
            options = translator.options(shortlist=0, tag=tag)  # the table for one is made after the training
            first = len(translations) + 1
            lines = [pair.source for pair in pairs]
            found = translator.translate(lines, options, numbers=range(first, first + len(lines)))
            translations += [translation.text for translation in found]
        return translations


def _diverged(loss: float) -> NonFiniteError:
    what = f"the loss is {loss:.4g} nats a token; a lower training.learning_rate may help"
    return NonFiniteError("validation", what)
