"""What a worker computes of sentences: their translations, all about these, or their attention pages' data.

A task is a value: sentences of equal tasks share a batch, and equal sentences of equal tasks are computed once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from nmt.config.types import Utility
from nmt.postprocessing.postprocess import Postprocessor
from nmt.postprocessing.translation_fields import translation_fields
from nmt.search.options import SamplingOptions
from nmt.translation.options import DIVERSITY, TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.translator import Translator
from nmt.visualization.attention_page.document import attention_data

SearchKeys = tuple[tuple[str, Any], ...]
"""Keys of the search that a request sets, with their values, sorted."""


class Task(Protocol):
    """Work on sentences, done by the thread that owns the model."""

    def run(self, translator: Translator, texts: Sequence[str]) -> list[Any]:
        """Returns a result for each text."""
        ...

    @property
    def most(self) -> int:
        """Number of sentences that may be computed together."""
        ...


@dataclass(frozen=True)
class PlainTranslation:
    """The texts of the best translations of each sentence, best first."""

    n_best: int = 1
    most: int = 64

    def run(self, translator: Translator, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Translates; a sentence that passes unchanged has one translation."""
        translations = translator.translate(texts, translator.options(n_best=self.n_best))
        return [tuple(output.text for output in one.outputs) or ("",) for one in translations]


@dataclass(frozen=True)
class BlockTranslation:
    """The translation of each block of text, of one sentence or more, with its attention where the model has any."""

    most: int = 32

    def run(self, translator: Translator, texts: Sequence[str]) -> list[Translation]:
        """Translates the sentences of each block."""
        return translator.translate(texts, translator.options(attention=True, split_sentences=True))


@dataclass(frozen=True)
class DetailedTranslation:
    """The fields of `nmt translate --format json` of each sentence, encoded."""

    search: SearchKeys = ()
    n_best: int = 1
    sampling: SamplingOptions | None = None
    mbr: int = 0
    mbr_metric: Utility = "chrf"
    diverse: int = 1
    diversity: float = DIVERSITY
    translate_all: bool = False
    alignment: str = "none"
    alignment_unit: str = "word"
    replace_unknown: bool = False
    copy: tuple[str, ...] = ()
    confidence: bool = False
    most: int = 64

    def options(self, translator: Translator) -> TranslateOptions:
        """Returns the options of the translation; raises ValueError or ModelError where the model cannot have them."""
        needs_attention = self.alignment != "none" or self.replace_unknown or bool(self.copy) or self.confidence
        return translator.options(
            n_best=self.n_best,
            sampling=self.sampling,
            mbr=self.mbr,
            mbr_metric=self.mbr_metric,
            diverse=self.diverse,
            diversity=self.diversity,
            attention=needs_attention,
            translate_all=self.translate_all,
            **dict(self.search),
        )

    def run(self, translator: Translator, texts: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
        """Translates; returns the best translation and the fields."""
        postprocessor = Postprocessor(self.replace_unknown, copy=self.copy, confidence=self.confidence)
        # What sampling draws depends on the seed alone, and not on where a sentence stands among others.
        translations = translator.translate(texts, self.options(translator), numbers=[1] * len(texts))
        done = map(postprocessor.apply, translations)
        fields = partial(translation_fields, 0, alignment=self.alignment, unit=self.alignment_unit)
        return [(one.text, fields(one)) for one in done]


@dataclass(frozen=True)
class AttentionData:
    """The data of the attention page of each sentence, encoded."""

    search: SearchKeys = ()
    unit: str = "word"
    most: int = 4

    def run(self, translator: Translator, texts: Sequence[str]) -> list[str]:
        """Translates, traces the decoding, and returns the data."""
        options = translator.options(attention=True, **dict(self.search))
        attended = translator.attend_lines(texts, options, numbers=[1] * len(texts))
        return [json.dumps(attention_data([line], self.unit, "text"), ensure_ascii=False) for line in attended]
