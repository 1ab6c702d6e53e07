"""Subword regularisation: another segmentation of a text each time it is read (Kudo 2018, arXiv:1804.10959)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nmt.corpus.batching import Arrays, Ids, Resampling
from nmt.corpus.permutation import derive_key
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers


@dataclass(frozen=True)
class SubwordSampler:
    """Draws segmentations of training sentences.

    A sentence stays as it is stored if it holds unknown pieces, whose text is not known any more, or if the sample
    would be empty or too long.
    """

    tokenizers: Tokenizers  # of source and target
    alpha: float  # the deviation of samples from the best segmentation; see `Tokenizer.sample`
    max_length: int  # maximum number of tokens of a sample, without marks
    seed: int  # of the run

    def in_epoch(self, epoch: int) -> Resampling:
        """Returns the sampling of an epoch, for `make_batch`: a function of seed, epoch and the pairs of the batch."""

        def resample(indices: Ids, sources: Arrays, targets: Arrays) -> tuple[Arrays, Arrays]:
            batch = indices.tolist()
            return (
                self._sample(self.tokenizers.source, sources, derive_key("source", self.seed, epoch, *batch)),
                self._sample(self.tokenizers.target, targets, derive_key("target", self.seed, epoch, *batch)),
            )

        return resample

    def _sample(self, tokenizer: Tokenizer, sentences: Arrays, seed: int) -> Arrays:
        stored = [sentence.tolist() for sentence in sentences]
        known = [number for number, ids in enumerate(stored) if tokenizer.special.unk not in ids]
        texts = [tokenizer.decode(stored[number]) for number in known]
        result = list(sentences)
        for number, ids in zip(known, tokenizer.sample(texts, self.alpha, seed), strict=True):
            if 0 < len(ids) <= self.max_length:
                result[number] = np.array(ids, np.int64)
        return result
