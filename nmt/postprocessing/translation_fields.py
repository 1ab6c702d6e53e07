"""A translation with its annotations as fields of JSON, of `nmt translate --format json` and `nmt serve`."""

from __future__ import annotations

from typing import Any

from nmt.alignment.attention_fields import attention_fields
from nmt.alignment.links import output_links
from nmt.io.json_lines import encoded
from nmt.translation.result import Annotations, Output, Translation


def translation_fields(number: int, translation: Translation, alignment: str, unit: str) -> dict[str, str]:
    """Encodes the best translation, all hypotheses, and alignment and attention of the best.

    Args:
        number: of the line, from 0, by which a warning names it.
        translation: of the line.
        alignment: none, hard or soft; the last comes with the attention.
        unit: word or token, of the alignment. One of tokens comes with those of the source; hypotheses have their own.
    """
    best = translation.outputs[0] if translation.outputs else None
    hypotheses = [
        {"translation": output.text, "score": output.score}
        | _utility_field(output)
        | {"tokens": list(output.tokens)}
        | _annotation_fields(output.annotations)
        for output in translation.outputs
    ]
    fields = {
        "source": encoded(translation.source),
        "translation": encoded(translation.text),
        "score": encoded(best.score if best else 0.0),
    }
    fields |= {name: encoded(value) for name, value in (_utility_field(best) if best else {}).items()}
    fields["hypotheses"] = encoded(hypotheses)
    for name, value in _annotation_fields(best.annotations if best else translation.annotations).items():
        fields[name] = encoded(value)
    if alignment != "none":
        fields["alignment"] = encoded(output_links(best, unit) if best else [])
        if unit == "token":
            fields["source_tokens"] = encoded(translation.source_tokens)
    if alignment == "soft":
        fields |= attention_fields(number, translation)
    return fields


def _utility_field(output: Output) -> dict[str, float]:
    """Returns what a translation was chosen by as a field of JSON."""
    return {} if output.utility is None else {"utility": output.utility}


def _annotation_fields(annotations: Annotations) -> dict[str, Any]:
    """Returns annotations as fields of JSON."""
    fields: dict[str, Any] = {}
    if annotations.replaced is not None:
        fields["replaced"] = annotations.replaced
    if annotations.confidence is not None:
        probability, warnings = annotations.confidence
        flags = [{name: value for name, value in warning._asdict().items() if value} for warning in warnings]
        fields["confidence"] = {"probability": probability, "flags": flags}
    if annotations.terms is not None:
        fields["terms"] = [
            {"source": term.source, "target": term.target, "words": term.words, "met": term.met}
            for term in annotations.terms
        ]
    return fields
