"""The translation of rows: each has its translation, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nmt.bulk.columns import CONFIDENCE, ERROR, SCORE, Columns, is_missing
from nmt.errors import MemoryExhaustedError, ModelError, NmtError, NonFiniteError
from nmt.io.lines import MAX_LINE_BYTES, output_line, without_surrogates

if TYPE_CHECKING:
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions
    from nmt.translation.translator import Translator

ROWS_AT_ONCE = 2048
"""Maximum number of rows translated together, so that those of like length share batches: as `nmt translate` does."""

TOO_LONG = f"is longer than {MAX_LINE_BYTES:,} bytes"


class TranslatedRow(NamedTuple):
    """What is added to a row: all is None but the error where it could not be translated."""

    translation: str | None = None
    score: float | None = None
    confidence: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class RowTranslator:
    """Translates rows as `nmt translate` does lines, and keeps what cannot be translated apart.

    Attributes:
        translator: of the texts.
        options: of the search.
        postprocessor: corrects and annotates translations.
    """

    translator: Translator
    options: TranslateOptions
    postprocessor: Postprocessor

    def translate(
        self, values: Sequence[object], numbers: Sequence[int], row_errors: Mapping[int, str]
    ) -> list[TranslatedRow]:
        """Translates values, which are texts, or nothing that can be translated.

        Args:
            values: of the column to translate.
            numbers: for each row the number by which it draws its samples.
            row_errors: by the indices of rows that are known not to be translated, the reasons.
        """
        errors = {index: why for index, value in enumerate(values) if (why := _why_not(value)) is not None}
        errors |= row_errors
        rows = [TranslatedRow(error=errors.get(index)) for index in range(len(values))]
        good = [index for index in range(len(values)) if index not in errors]
        for start in range(0, len(good), ROWS_AT_ONCE):
            indices = good[start : start + ROWS_AT_ONCE]
            texts = [without_surrogates(str(values[index])) for index in indices]
            found = self._translated(texts, [numbers[index] for index in indices])
            for index, row in zip(indices, found, strict=True):
                rows[index] = row
        return rows

    def _translated(self, texts: Sequence[str], numbers: Sequence[int]) -> list[TranslatedRow]:
        """Translates texts together or, where one of them cannot be, in halves."""
        try:
            translations = self.translator.translate(texts, self.options, numbers=numbers)
        except (MemoryExhaustedError, NonFiniteError, ModelError) as error:
            if len(texts) == 1:
                return [TranslatedRow(error=_reason(error))]
            half = len(texts) // 2
            return self._translated(texts[:half], numbers[:half]) + self._translated(texts[half:], numbers[half:])
        rows = []
        for translation in map(self.postprocessor.apply, translations):
            best = translation.outputs[0] if translation.outputs else None
            trust = (best.annotations if best else translation.annotations).confidence
            probability = None if trust is None else trust.probability
            rows.append(TranslatedRow(output_line(translation.text), best.score if best else 0.0, probability))
        return rows


def _why_not(value: object) -> str | None:
    """Returns why a value cannot be translated; None if it can be."""
    if isinstance(value, str):
        # Four bytes are the most that a character takes.
        is_long = len(value) * 4 > MAX_LINE_BYTES and len(value.encode("utf-8", "surrogatepass")) > MAX_LINE_BYTES
        return TOO_LONG if is_long else None
    if is_missing(value):
        return "is null"
    return f"is no text, but {type(value).__name__}"


def _reason(error: NmtError) -> str:
    """Returns the reason that an error gives, without the number of the line, which the row itself tells."""
    [problem] = error.problems
    return str(problem) if isinstance(error, ModelError) else problem.what


def added_columns(columns: Columns, rows: Sequence[TranslatedRow]) -> dict[str, list[Any]]:
    """Returns the columns that are added to a table, by name."""
    everything: dict[str, list[Any]] = {
        columns.to: [row.translation for row in rows],
        SCORE: [row.score for row in rows],
        CONFIDENCE: [row.confidence for row in rows],
        ERROR: [row.error for row in rows],
    }
    return {name: everything[name] for name in columns.added}
