"""The fields of a request, wherever they stand: in its body as JSON or as a form, or in its address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nmt.service.limits import RefusedError

_MOST_FIELDS = 1_000
_CHARSETS = (b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1")  # some others that Python knows take quadratic time


async def json_of(request: Request) -> Any:
    """Parses the body as JSON; refuses what is none."""
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is no JSON") from None


async def fields_of(request: Request) -> dict[str, Any]:
    """Returns the fields of a request: those of its address, and in their place those of its body.

    A field that a form has several times is a list; `alternatives`, which JSON has as a number, is one.
    """
    fields = _gathered(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if not body:
        return fields
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        _, parameters = parse_options_header(request.headers["content-type"])
        if parameters.get(b"charset", b"utf-8").lower() not in _CHARSETS:
            raise RefusedError(400, "the form is in an encoding that is not read: expected UTF-8")
        try:
            form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
        except HTTPException:
            raise RefusedError(400, "the body is no form that can be read") from None
        return fields | _gathered([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
    document = await json_of(request)
    if not isinstance(document, Mapping):
        raise RefusedError(400, "the body is no JSON object")
    return fields | dict(document)


def _gathered(items: list[tuple[str, str]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, text in items:
        is_number = name == "alternatives" and text.isascii() and text.isdigit()
        value = int(text[:10]) if is_number else text
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def text_field(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Returns a field that is a text; refuses another, and one that is missing and has no default."""
    value = fields.get(name, default)
    if value is None:
        raise _missing(name)
    if not isinstance(value, str):
        raise RefusedError(400, f"Invalid request: {name} must be a text")
    return value


def filled_field(fields: Mapping[str, Any], name: str) -> str:
    """Returns a field that is a text; refuses another, and one that is missing or empty."""
    if not (value := text_field(fields, name)):
        raise _missing(name)
    return value


def _missing(name: str) -> RefusedError:
    return RefusedError(400, f"Invalid request: missing {name} parameter")
