"""The translation of web pages, or of parts of them: their blocks of text, each with its tags in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from nmt.documents.html import HtmlDocument
from nmt.errors import DataError
from nmt.io.lines import without_surrogates
from nmt.service.limits import Limits, RefusedError, check_sentences
from nmt.service.models import ServedModel
from nmt.service.tasks import BlockTranslation
from nmt.service.texts import uncut
from nmt.service.translating import compute


async def translate_pages(pages: Sequence[tuple[ServedModel, str]], limits: Limits) -> list[str]:
    """Returns pages with their text translated and all else as it was; a block that cannot be put together stays.

    Refuses pages that are broken, or have too much text.
    """
    documents = [await asyncio.to_thread(_read, text) for _, text in pages]
    check_sentences(sum(len(document.lines) for document in documents), limits)
    blocks = [(model.batcher, uncut(one.lines)) for (model, _), one in zip(pages, documents, strict=True)]
    results = await compute(blocks, BlockTranslation())
    return [
        await asyncio.to_thread(document.written, of_page) for document, of_page in zip(documents, results, strict=True)
    ]


def _read(text: str) -> HtmlDocument:
    try:
        return HtmlDocument(without_surrogates(text), "q")
    except DataError as error:
        raise RefusedError(400, str(error)) from error
