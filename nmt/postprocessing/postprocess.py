"""Postprocessing of finished translations: unknown words, entities and confidence, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nmt.postprocessing.confidence import confidence
from nmt.postprocessing.copying import Copied, copy_entities
from nmt.postprocessing.dictionary import Dictionary
from nmt.postprocessing.editing import apply_edits, word_spans
from nmt.postprocessing.entities import KINDS
from nmt.postprocessing.unknown_words import replacements, unknown_words
from nmt.translation.result import Confidence, Output, Translation, TranslationWarning
from nmt.translation.term_presence import term_results


@dataclass(frozen=True)
class Postprocessor:
    """Corrects and annotates translations that come with their attention.

    Attributes:
        replace_unknown: put source words in place of unknown ones.
        dictionary: translations of the source words that are put in so.
        copy: the kinds of entities to carry over, of `nmt.postprocessing.entities.KINDS`.
        confidence: annotate each translation with its confidence.

    Raises:
        ValueError: `copy` names an unknown kind.
    """

    replace_unknown: bool = False
    dictionary: Dictionary = field(default_factory=Dictionary)
    copy: tuple[str, ...] = ()
    confidence: bool = False

    def __post_init__(self) -> None:
        if others := set(self.copy) - set(KINDS):
            raise ValueError(f"copy is {', '.join(sorted(others))}: expected some of {', '.join(KINDS)}")

    @property
    def changes_text(self) -> bool:
        """True if words are put in, which needs a model with attention."""
        return self.replace_unknown or bool(self.copy)

    def __bool__(self) -> bool:
        return self.changes_text or self.confidence

    def apply(self, translation: Translation, *, is_unread: bool = False) -> Translation:
        """Returns the corrected translation of any line, annotated with what was found and done.

        `is_unread` says that the line was too long to be read, and its translation is empty for that reason.
        """
        if not self:
            return translation
        if translation.outputs:
            source = translation.source.split()
            outputs = tuple(self._postprocess(translation.source, source, output) for output in translation.outputs)
            return replace(translation, outputs=outputs)
        trust = Confidence(0.0, (TranslationWarning("unread"),)) if is_unread else Confidence(1.0)
        annotations = translation.annotations._replace(
            replaced=() if self.changes_text else None, confidence=trust if self.confidence else None
        )
        return replace(translation, annotations=annotations)

    def _postprocess(self, line: str, words: Sequence[str], output: Output) -> Output:
        copied = Copied([], [])
        if self.changes_text:
            spans = word_spans(output.text)
            unknown = unknown_words(output, spans)
            if self.copy:
                copied = copy_entities(line, output, unknown, self.copy)
            edits = copied.edits
            if self.replace_unknown:
                taken = {word for edit in edits for word in spans.words_in(edit.start, edit.stop)}
                edits = sorted(edits + replacements(unknown, words, output.text, taken, self.dictionary))
            output = apply_edits(output, edits)
            if edits and (terms := output.annotations.terms) is not None:
                output = replace(
                    output, annotations=output.annotations._replace(terms=term_results(terms, output.text))
                )
        if self.confidence:
            trust = confidence(line, output, copied.missing)
            output = replace(output, annotations=output.annotations._replace(confidence=trust))
        return output
