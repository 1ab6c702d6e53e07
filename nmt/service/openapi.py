"""The description of the service in OpenAPI 3.1, with the models and the limits that it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from nmt.libraries import program_version
from nmt.service.limits import Limits
from nmt.service.models import Models
from nmt.service.schemas import AttentionRequest, TranslationRequest

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_KEY = {"type": ["string", "null"]}
_REFUSALS = {
    "400": "what was asked for is not understood, or beyond a limit",
    "403": "without a valid key, under another name, or by a page from elsewhere",
    "404": "there is no such model",
    "408": "the body came too slowly",
    "413": "the body, a text or their number is too large",
    "429": "the queue is full; Retry-After says when to ask again",
    "503": "the service is not ready, has no room, or is stopping",
}


def openapi(models: Models, limits: Limits) -> dict[str, Any]:
    """Makes the description of all routes that programs use."""
    _, definitions = models_json_schema(
        [(TranslationRequest, "validation"), (AttentionRequest, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    schemas = definitions["$defs"]
    for name in ("TranslationRequest", "AttentionRequest"):
        _bound(schemas[name]["properties"], models, limits)
    return {
        "openapi": "3.1.0",
        "info": {"title": "nmt serve", "version": program_version()},
        "paths": _paths(models, limits),
        "components": {
            "schemas": schemas | _answers(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _bound(properties: dict[str, Any], models: Models, limits: Limits) -> None:
    """Writes the models and the limits of this service into the schema of what it takes."""
    beam = min(max(limits.beam, model.translator.config.search.beam_size) for model in models)
    has_table = all(model.translator.shortlist is not None for model in models)
    has_attention = all(model.translator.has_attention for model in models)
    names = {
        "model": [model.name for model in models],
        "source": [*models.sources, "auto"],
        "target": list(dict.fromkeys(model.target for model in models)),
    }
    most: dict[str, float] = {
        "beam_size": beam,
        "n_best": beam,
        "mbr": beam,
        "diverse": beam,
        "max_length": min(model.translator.config.search.max_length for model in models),
        "max_length_ratio": min(model.translator.config.search.max_length_ratio for model in models),
    }
    if not has_table:
        most["shortlist"] = 0
    if not has_attention:
        most["coverage_penalty"] = 0
    for name, schema in properties.items():
        for one in schema.get("anyOf", [schema]):
            if name in names and one.get("type") == "string":
                one["enum"] = [*names[name], ""]  # which is like leaving it out
            if name in most and "maximum" in one:
                one["maximum"] = most[name]
            if name == "text":
                is_list = one.get("type") == "array"
                one |= {"maxItems": limits.texts} if is_list else {"maxLength": limits.characters}
    known = [set(model.translator.tokenizers.source.tags) for model in models]
    tags = [{"type": "string", "enum": sorted(of_all)}] if (of_all := set.intersection(*known)) else []
    properties["tag"]["anyOf"] = [*tags, {"type": "null"}]
    if "unit" in properties:
        properties["text"]["maxLength"] = limits.attend
    if "copy" in properties and not has_attention:
        properties["copy"]["maxItems"] = 0
        properties["replace_unknown"]["const"] = False


def _paths(models: Models, limits: Limits) -> dict[str, Any]:
    sources, targets = [*models.sources, "auto"], list(dict.fromkeys(model.target for model in models))
    beam = min([limits.beam, *(model.translator.config.search.beam_size for model in models)])
    texts = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": limits.texts}
    libre = _object(
        {
            "q": {"anyOf": [_TEXT, texts]},
            "source": {"enum": sources},
            "target": {"enum": targets},
            "format": {"enum": ["text", "html"]},
            "alternatives": _COUNT | {"maximum": beam - 1},
            "api_key": _KEY,
        },
        ("q", "source", "target"),
    )
    libre["additionalProperties"] = True
    question = _object({"q": _TEXT, "api_key": _KEY}, ("q",)) | {"additionalProperties": True}
    return {
        "/translate": _post("Translates, in LibreTranslate's interface", libre, _ref("LibreTranslation")),
        "/detect": _post("Guesses a language", question, _list(_ref("Detection"))),
        "/languages": _get("Lists the languages", _list(_ref("Language"))),
        "/frontend/settings": _get("Tells the settings of a page", {"type": "object"}),
        "/health": _get("Tells if the service is ready", _object({"status": {"const": "ok"}}), others=("503",)),
        "/v1/translate": _post(
            "Translates, with all that is known of the translation",
            _ref("TranslationRequest"),
            _object({"translations": _list(_ref("Translation"))}),
            events=True,
        ),
        "/v1/attend": _post("Shows how a translation was chosen", _ref("AttentionRequest"), {"type": "object"}),
        "/v1/models": _get("Lists the models", _object({"models": _list(_ref("Model"))})),
        "/metrics": _get("Tells the service's numbers for Prometheus", _TEXT, kind="text/plain"),
        "/openapi.json": _get("Describes the service", {"type": "object"}),
    }


def _answers() -> dict[str, Any]:
    confidence = _object({"probability": _NUMBER, "flags": _list({"type": "object"})})
    links = _list({"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2})
    weights = {"anyOf": [_list(_list(_NUMBER)), {"type": "null"}]}
    hypothesis = _object({"translation": _TEXT, "score": _NUMBER, "tokens": _list(_TEXT)}) | {
        "additionalProperties": True
    }
    sentence = {
        "start": _COUNT | {"description": "its first character in the text"},
        "source_before": _TEXT | {"description": "white space before it, in the text"},
        "before": _TEXT | {"description": "white space before its translation"},
        "source": _TEXT,
        "translation": _TEXT,
        "score": _NUMBER,
        "hypotheses": _list(_ref("Hypothesis")),
    }
    asked_for = {
        "utility": _NUMBER | {"description": "the expected utility that it was chosen by"},
        "confidence": confidence,
        "replaced": links,
        "alignment": links,
        "source_tokens": _list(_TEXT),
        "attention": _object({"source_words": _list(_TEXT), "target_words": _list(_TEXT), "weights": weights}),
        "attention_tokens": _object({"source_tokens": _list(_TEXT), "target_tokens": _list(_TEXT), "weights": weights}),
    }
    translation = {
        **dict.fromkeys(("model", "source", "target", "text", "translation"), _TEXT),
        "sentences": _list(_ref("Sentence")),
        "after": _TEXT | {"description": "white space behind the last sentence"},
    }
    model = {
        **dict.fromkeys(("name", "source", "target", "source_name", "target_name", "attention"), _TEXT),
        "ensemble": _COUNT,
        "beam_size": _COUNT,
        "max_beam_size": _COUNT,
        "shortlist": {"type": "boolean"},
        "tags": _list(_TEXT),
        "is_ready": {"type": "boolean"},
        "sha256": {"type": "string", "description": "of the weights, the configuration and the tokenizers"},
    }
    one_or_more = {"anyOf": [_TEXT, _list(_TEXT)]}
    found = {"anyOf": [_ref("Detection"), _list(_ref("Detection"))]}
    others = {"anyOf": [_list(_TEXT), _list(_list(_TEXT))]}
    libre = {"translatedText": one_or_more, "detectedLanguage": found, "alternatives": others}
    return {
        "Error": _object({"error": _TEXT}),
        "Hypothesis": hypothesis,
        "Sentence": _object(sentence | asked_for, tuple(sentence)),
        "Translation": _object(translation),
        "Model": _object(model),
        "Language": _object({"code": _TEXT, "name": _TEXT, "targets": _list(_TEXT)}),
        "Detection": _object({"language": _TEXT, "confidence": _NUMBER | {"minimum": 0, "maximum": 100}}),
        "LibreTranslation": _object(libre, ("translatedText",)),
    }


def _get(
    what: str, schema: Mapping[str, Any], *, kind: str = "application/json", others: tuple[str, ...] = ()
) -> dict[str, Any]:
    answers = {"200": {"description": "done", "content": {kind: {"schema": schema}}}}
    return {"get": {"summary": what, "responses": answers | _refusals(("400", "403", "503", *others))}}


def _post(what: str, taken: Mapping[str, Any], given: Mapping[str, Any], *, events: bool = False) -> dict[str, Any]:
    content = {"application/json": {"schema": given}}
    if events:
        content["text/event-stream"] = {"schema": _object({"event": _TEXT, "data": _TEXT})}
    answers = {"200": {"description": "done", "content": content}}
    body = {"required": True, "content": {"application/json": {"schema": taken}}}
    return {"post": {"summary": what, "requestBody": body, "responses": answers | _refusals(tuple(_REFUSALS))}}


def _refusals(statuses: tuple[str, ...]) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref("Error")}}
    return {status: {"description": _REFUSALS[status], "content": content} for status in statuses}


def _object(properties: Mapping[str, Any], required: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Makes the schema of an object with these fields and no other; all are required by default."""
    needed = list(properties if required is None else required)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": needed,
        "additionalProperties": False,
    }


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
