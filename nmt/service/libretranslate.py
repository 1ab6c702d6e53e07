"""LibreTranslate's interface, so that its clients work unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nmt.preflight.languages import language_name
from nmt.service.detection import detect
from nmt.service.keys import Keys
from nmt.service.limits import Limits, RefusedError, check_texts
from nmt.service.models import Models
from nmt.service.pages import translate_pages
from nmt.service.reading import fields_of, filled_field, text_field
from nmt.service.tasks import PlainTranslation
from nmt.service.texts import CutText
from nmt.service.translating import ChosenModel, choose_model, compute, cut_texts


class LibreTranslate:
    """The routes of LibreTranslate's interface."""

    def __init__(self, models: Models, limits: Limits, keys: Keys) -> None:
        self._models = models
        self._limits = limits
        self._keys = keys

    async def translate(self, request: Request) -> Response:
        """Answers POST /translate."""
        fields = await self._fields(request)
        texts, is_list = _texts(fields)
        check_texts(texts, self._limits)
        kind = text_field(fields, "format", "text")
        if kind not in ("text", "html"):
            raise RefusedError(400, f"format is {kind[:20]}: expected text or html")
        target, source = filled_field(fields, "target"), filled_field(fields, "source")
        name = text_field(fields, "model", "")
        choices = [choose_model(self._models, text, name=name, source=source, target=target) for text in texts]
        alternatives = self._alternatives(fields, choices)
        chosen = list(zip((one.model for one in choices), texts, strict=True))
        if kind == "html":
            found = [(page, list[str]()) for page in await translate_pages(chosen, self._limits)]
        else:
            cuts = await cut_texts(chosen, self._limits)
            sentences = [(model.batcher, cut) for (model, _), cut in zip(chosen, cuts, strict=True)]
            results = await compute(sentences, PlainTranslation(alternatives + 1))
            found = [_joined(cut, of_cut, alternatives) for cut, of_cut in zip(cuts, results, strict=True)]
        answer: dict[str, Any] = {"translatedText": [best for best, _ in found]}
        if source.lower() == "auto":
            answer["detectedLanguage"] = [one.detected._asdict() for one in choices if one.detected]
        if alternatives:
            answer["alternatives"] = [others for _, others in found]
        return JSONResponse(answer if is_list else {key: values[0] for key, values in answer.items()})

    async def languages(self, request: Request) -> Response:
        """Answers GET /languages."""
        await self._fields(request)
        rows = [
            {
                "code": code,
                "name": language_name(code),
                "targets": list(dict.fromkeys(model.target for model in self._models if model.source == code)),
            }
            for code in self._models.languages
        ]
        return JSONResponse(rows)

    async def detect(self, request: Request) -> Response:
        """Answers POST /detect."""
        fields = await self._fields(request)
        text = text_field(fields, "q")
        check_texts([text], self._limits)
        return JSONResponse([one._asdict() for one in detect(text, self._models.languages)])

    async def settings(self, request: Request) -> Response:
        """Answers GET /frontend/settings."""
        await self._fields(request)
        first = next(iter(self._models))
        return JSONResponse(
            {
                "apiKeys": bool(self._keys),
                "charLimit": self._limits.characters,
                "frontendTimeout": 500,
                "keyRequired": bool(self._keys),
                "language": {
                    "source": {"code": first.source, "name": language_name(first.source)},
                    "target": {"code": first.target, "name": language_name(first.target)},
                },
                "suggestions": False,
                "supportedFilesFormat": [],
            }
        )

    async def health(self, _: Request) -> Response:
        """Answers GET /health."""
        if not self._models.are_ready:
            raise RefusedError(503, "no model has translated yet", retry_after=1)
        return JSONResponse({"status": "ok"})

    async def _fields(self, request: Request) -> dict[str, Any]:
        """Reads the fields of a request; refuses one without a key where one is needed."""
        fields = await fields_of(request)
        key = text_field(fields, "api_key", "") if fields.get("api_key") is not None else ""
        if not request.scope["has_key"] and not self._keys.admit(key):
            raise RefusedError(403, "Invalid API key" if key else "Please contact the server operator for an API key")
        return fields

    def _alternatives(self, fields: dict[str, Any], choices: Sequence[ChosenModel]) -> int:
        """Returns how many translations are wanted besides the best; refuses more than fit into the beam."""
        value = fields.get("alternatives", 0)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise RefusedError(400, "Invalid request: alternatives must be a whole number of at least 0")
        beams = (choice.model.translator.config.search.beam_size for choice in choices)
        most = min([self._limits.beam, *beams]) - 1
        if value > most:
            raise RefusedError(400, f"alternatives is {str(value)[:20]}: expected at most {most}, what the beam holds")
        return value


def _texts(fields: dict[str, Any]) -> tuple[list[str], bool]:
    """Returns the texts of a request, and whether they came as a list."""
    texts = fields.get("q")
    if isinstance(texts, list):
        if not texts or not all(isinstance(text, str) for text in texts):
            raise RefusedError(400, "Invalid request: q must be a text or a list of texts")
        return texts, True
    return [text_field(fields, "q")], False


def _joined(cut: CutText, results: Sequence[tuple[str, ...]], alternatives: int) -> tuple[str, list[str]]:
    """Joins the best translations of a text's sentences, and the others; where a sentence has fewer, its last."""
    rows = [
        cut.joined([texts[min(place, len(texts) - 1)] for texts in results])
        for place in range(alternatives + 1 if results else 1)
    ]
    return rows[0], [text for text in dict.fromkeys(rows) if text != rows[0]]
