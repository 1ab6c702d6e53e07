"""The translation of whole texts: cut into sentences, computed by the workers of their models, and joined again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple

from nmt.service.batcher import Batcher, Ticket
from nmt.service.detection import Detected, detect
from nmt.service.limits import Limits, NoModelError, RefusedError, check_sentences
from nmt.service.models import Models, ServedModel
from nmt.service.tasks import Task
from nmt.service.texts import CutText, cut_text

_CUT_AT_ONCE = 4_000  # characters that are cut before anything else is done; more are cut in a thread


class ChosenModel(NamedTuple):
    """The model that a text is translated by, and the language that was found where none was given."""

    model: ServedModel
    detected: Detected | None = None


def choose_model(models: Models, text: str, *, name: str = "", source: str = "", target: str = "") -> ChosenModel:
    """Chooses the model of a text by its name or by its languages; `auto` is a source that has to be found.

    Refuses what no model fits, and what several do.
    """
    if name:
        model = models.named(name)
        given = {"source": (source, model.source), "target": (target, model.target)}
        for field, (wanted, of_model) in given.items():
            if wanted and wanted.lower() not in ("auto", of_model.lower()):
                raise NoModelError(f"{field} is {wanted[:40]}, but {model.name} has {of_model}")
        return ChosenModel(model, detect(text, [model.source])[0] if source.lower() == "auto" else None)
    if source.lower() not in ("", "auto"):
        return ChosenModel(models.of_pair(source, target or _only_target(models, source)))
    fitting = [model for model in models if not target or model.target.lower() == target.lower()]
    if not fitting:
        raise NoModelError(f"nothing is translated to {target[:40]} here")
    if not target and len({(model.source, model.target) for model in fitting}) > 1:
        raise RefusedError(400, "needs target, the code of a language: several are served")
    found = detect(text, list(dict.fromkeys(model.source for model in fitting)))[0]
    return ChosenModel(next(model for model in fitting if model.source == found.language), found)


def _only_target(models: Models, source: str) -> str:
    targets = list(dict.fromkeys(model.target for model in models if model.source.lower() == source.lower()))
    if len(targets) > 1:
        raise RefusedError(400, "needs target, the code of a language: several are served")
    return targets[0] if targets else "any other"


async def cut_texts(texts: Sequence[tuple[ServedModel, str]], limits: Limits, *, split: bool = True) -> list[CutText]:
    """Cuts texts into their sentences; refuses too many."""

    def cut() -> list[CutText]:
        return [cut_text(text, model.source, model.target, split=split) for model, text in texts]

    is_short = sum(len(text) for _, text in texts) <= _CUT_AT_ONCE
    cuts = cut() if is_short else await asyncio.to_thread(cut)
    check_sentences(sum(len(one.sentences) for one in cuts), limits)
    return cuts


async def compute(texts: Sequence[tuple[Batcher, CutText]], task: Task) -> list[list[Any]]:
    """Returns the result of each sentence of each text; if it is cancelled, so is what has not been computed."""
    tickets = _submit(texts, task)
    try:
        results = {batcher: iter(await ticket.all()) for batcher, ticket in tickets.items()}
        return [[next(results[batcher]) for _ in text.sentences] for batcher, text in texts]
    finally:
        for ticket in tickets.values():
            ticket.cancel()


async def compute_each(texts: Sequence[tuple[Batcher, CutText]], task: Task) -> AsyncGenerator[Any]:
    """Yields the results of all sentences in their order, each as soon as it is there; else like `compute`."""
    tickets = _submit(texts, task)
    try:
        each = {batcher: ticket.each() for batcher, ticket in tickets.items()}
        for batcher, text in texts:
            for _ in text.sentences:
                yield await anext(each[batcher])
    finally:
        for ticket in tickets.values():
            ticket.cancel()


def _submit(texts: Sequence[tuple[Batcher, CutText]], task: Task) -> dict[Batcher, Ticket]:
    of_batchers: dict[Batcher, list[str]] = {}
    for batcher, text in texts:
        of_batchers.setdefault(batcher, []).extend(sentence.text for sentence in text.sentences)
    tickets: dict[Batcher, Ticket] = {}
    try:
        for batcher, sentences in of_batchers.items():
            tickets[batcher] = batcher.submit(task, sentences)
    except BaseException:
        for ticket in tickets.values():
            ticket.cancel()
        raise
    return tickets
