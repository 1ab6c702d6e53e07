"""Our own interface: translation with all that is known of it, and the attention of a sentence."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from nmt.errors import NmtError
from nmt.io.json_lines import encoded, json_object
from nmt.io.lines import without_surrogates
from nmt.preflight.languages import language_name
from nmt.search.options import SamplingOptions
from nmt.service.batcher import QueueFullError
from nmt.service.limits import Limits, NoModelError, RefusedError, check_texts
from nmt.service.models import Models, ServedModel
from nmt.service.reading import json_of
from nmt.service.schemas import AttentionRequest, SearchFields, TranslationRequest
from nmt.service.tasks import AttentionData, DetailedTranslation, SearchKeys
from nmt.service.texts import CutText, Sentence
from nmt.service.translating import choose_model, compute, compute_each, cut_texts

Fields = TypeVar("Fields", bound=BaseModel)
Result = tuple[str, dict[str, str]]

_SEARCH = (
    *("beam_size", "length_penalty", "coverage_penalty", "max_length", "max_length_ratio"),
    *("no_repeat_ngram", "shortlist", "tag"),
)
_BOUNDED = ("max_length", "max_length_ratio")  # by the model's own configuration


class Interface:
    """The routes below /v1."""

    def __init__(self, models: Models, limits: Limits) -> None:
        self._models = models
        self._limits = limits

    async def models(self, _: Request) -> Response:
        """Answers GET /v1/models."""
        return JSONResponse({"models": [_description(model, self._limits) for model in self._models]})

    async def translate(self, request: Request) -> Response:
        """Answers POST /v1/translate."""
        asked = _checked(TranslationRequest, await json_of(request))
        texts = [asked.text] if isinstance(asked.text, str) else asked.text
        check_texts(texts, self._limits)
        models = [self._model(asked, text) for text in texts]
        tasks = {model: self._task(asked, model) for model in dict.fromkeys(models)}
        [task] = set(tasks.values())
        cuts = await cut_texts(list(zip(models, texts, strict=True)), self._limits, split=asked.split_sentences)
        jobs = [(model.batcher, cut) for model, cut in zip(models, cuts, strict=True)]
        if asked.stream:
            events = _events(compute_each(jobs, task), models, cuts)
            # An error before the first sentence is an answer of its own.
            first = await anext(events)
            return StreamingResponse(_after(first, events), media_type="text/event-stream")
        results = await compute(jobs, task)
        rows = [_translation(*row) for row in zip(models, texts, cuts, results, strict=True)]
        return _json(json_object({"translations": f"[{', '.join(rows)}]"}))

    async def attend(self, request: Request) -> Response:
        """Answers POST /v1/attend."""
        asked = _checked(AttentionRequest, await json_of(request))
        if len(asked.text) > self._limits.attend:
            raise RefusedError(413, f"{len(asked.text)} characters: expected at most {self._limits.attend}")
        model = self._model(asked, asked.text)
        task = AttentionData(self._search(asked, model), asked.unit)
        with _own_errors():
            model.translator.options(attention=True, **dict(task.search))
        line = without_surrogates(asked.text).replace("\n", " ")
        cut = CutText((Sentence(line, 0, "", ""),), "")
        [[data]] = await compute([(model.batcher, cut)], task)
        return _json(data)

    def _model(self, asked: SearchFields, text: str) -> ServedModel:
        names = {"name": asked.model or "", "source": asked.source or "", "target": asked.target or ""}
        try:
            return choose_model(self._models, text, **names).model
        except NoModelError as error:
            raise RefusedError(404, error.what) from None

    def _search(self, asked: SearchFields, model: ServedModel) -> SearchKeys:
        """Returns the keys of the search that a request sets; refuses values beyond the limits."""
        given = {name: value for name in _SEARCH if (value := getattr(asked, name)) is not None}
        most = {name: getattr(model.translator.config.search, name) for name in _BOUNDED}
        most["beam_size"] = max(self._limits.beam, model.translator.config.search.beam_size)
        for name, value in given.items():
            if name in most and value > most[name]:
                raise RefusedError(400, f"{name} is {value}: expected at most {most[name]}")
        _check_attention(model, coverage_penalty=bool(asked.coverage_penalty))
        return tuple(given.items())

    def _task(self, asked: TranslationRequest, model: ServedModel) -> DetailedTranslation:
        """Returns what to compute; refuses what the model cannot, and values beyond the limits."""
        search = self._search(asked, model)
        most = max(self._limits.beam, model.translator.config.search.beam_size)
        for name, count in {"n_best": asked.n_best, "mbr": asked.mbr, "diverse": asked.diverse}.items():
            if count > most:
                raise RefusedError(400, f"{name} is {count}: expected at most {most}")
        _check_attention(model, replace_unknown=asked.replace_unknown, copy=bool(asked.carried_over))
        task = DetailedTranslation(
            search=search,
            n_best=asked.n_best,
            sampling=None if asked.sampling is None else SamplingOptions(**asked.sampling.model_dump()),
            mbr=asked.mbr,
            mbr_metric=asked.mbr_metric,
            diverse=asked.diverse,
            diversity=asked.diversity,
            translate_all=asked.translate_all,
            alignment=asked.alignment,
            alignment_unit=asked.alignment_unit,
            replace_unknown=asked.replace_unknown,
            copy=asked.carried_over,
            confidence=asked.confidence,
        )
        with _own_errors():
            task.options(model.translator)
        return task


def _check_attention(model: ServedModel, **is_asked: bool) -> None:
    """Refuses the first field that is asked for and needs attention, if the model has none."""
    for name, asked in is_asked.items():
        if asked and not model.translator.has_attention:
            raise RefusedError(400, f"{name} needs a model with attention, which {model.name} has not")


@contextmanager
def _own_errors() -> Iterator[None]:
    """Refuses what the model's options do not take, by the field that errors name, and without paths that others do."""
    try:
        yield
    except NmtError as error:
        mistakes = [
            f"{problem.where} {problem.what}" if problem.where in _SEARCH else problem.what
            for problem in error.problems
        ]
        raise RefusedError(400, "; ".join(mistakes)) from None
    except ValueError as error:
        raise RefusedError(400, str(error)) from None


def _checked(kind: type[Fields], document: Any) -> Fields:
    """Makes the fields of a request of JSON; refuses it with every mistake named."""
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        mistakes = [_mistake(one) for one in error.errors(include_url=False, include_input=False)]
        raise RefusedError(400, "; ".join(dict.fromkeys(mistakes))[:2000]) from None


def _mistake(error: Any) -> str:
    place = ".".join(str(part)[:40] for part in error["loc"]) or "the body"
    if error["type"] == "extra_forbidden":
        return f"{place}: is no field of this request"
    return f"{place}: {error['msg']}"


def _description(model: ServedModel, limits: Limits) -> dict[str, Any]:
    config = model.translator.config
    return {
        "name": model.name,
        "source": model.source,
        "target": model.target,
        "source_name": language_name(model.source),
        "target_name": language_name(model.target),
        "attention": model.translator.ensemble.attention,
        "ensemble": len(model.translator.ensemble.members),
        "beam_size": config.search.beam_size,
        "max_beam_size": max(limits.beam, config.search.beam_size),
        "shortlist": model.translator.shortlist is not None,
        "tags": list(model.translator.tokenizers.source.tags),
        "is_ready": model.is_ready,
        "sha256": model.translator.identity,
    }


def _translation(model: ServedModel, text: str, cut: CutText, results: Sequence[Result]) -> str:
    """Encodes a text with its translation and its sentences."""
    fields = {
        "model": encoded(model.name),
        "source": encoded(model.source),
        "target": encoded(model.target),
        "text": json.dumps(text),
        "translation": encoded(cut.joined([translation for translation, _ in results])),
        "sentences": f"[{', '.join(map(_sentence, cut.sentences, results))}]",
        "after": encoded(cut.after),
    }
    return json_object(fields)


def _sentence(sentence: Sentence, result: Result, **others: int) -> str:
    """Encodes a sentence: where it stands, and the fields of `nmt translate --format json`."""
    place = {
        "start": sentence.start,
        "source_before": sentence.source_before,
        "before": sentence.before,
    }
    return json_object({name: encoded(value) for name, value in (others | place).items()} | result[1])


async def _events(
    results: AsyncGenerator[Result], models: Sequence[ServedModel], cuts: Sequence[CutText]
) -> AsyncIterator[str]:
    """Yields an event for each sentence, and one at the end; an error in the middle is an event, too."""
    is_first = True
    try:
        for number, (model, cut) in enumerate(zip(models, cuts, strict=True)):
            for sentence in cut.sentences:
                result = await anext(results)
                is_first = False
                yield _event("sentence", _sentence(sentence, result, text=number))
            is_first = False
            yield _event(
                "text", json_object({"text": str(number), "model": encoded(model.name), "after": encoded(cut.after)})
            )
        yield _event("end", "{}")
    except (NmtError, QueueFullError):
        if is_first:
            raise
        yield _event("error", json_object({"error": encoded("this sentence could not be translated")}))
    finally:
        await results.aclose()


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


async def _after(first: str, others: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for one in others:
        yield one


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")
