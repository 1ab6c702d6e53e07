"""The application: its routes, and the gate before them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from nmt.service.api import Interface
from nmt.service.gate import Gate, Receive, Scope, Send
from nmt.service.hosts import Hosts
from nmt.service.keys import Keys
from nmt.service.libretranslate import LibreTranslate
from nmt.service.limits import Limits, RefusedError
from nmt.service.metrics import Metrics
from nmt.service.models import Models
from nmt.service.openapi import openapi
from nmt.visualization.translator_page.document import translator_page

_PAGE_POLICY = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True)
class Admission:
    """Who may ask.

    Attributes:
        keys: of which each request needs one, if there are any.
        hosts: names of this server, by which it may be asked.
        origins: pages of other servers that may ask.
    """

    keys: Keys = field(default_factory=Keys)
    hosts: Hosts = field(default_factory=Hosts)
    origins: frozenset[str] = frozenset()


def application(
    models: Models,
    limits: Limits,
    admission: Admission,
    *,
    connections: Callable[[], int] = lambda: 0,
    tells: bool = False,
) -> Gate:
    """Makes the application of ASGI that serves models; `connections` tells how many are open, for /metrics."""
    metrics = Metrics()
    libretranslate = LibreTranslate(models, limits, admission.keys)
    interface = Interface(models, limits)

    async def numbers(_: Request) -> Response:
        return PlainTextResponse(metrics.text(models, connections()), media_type="text/plain; version=0.0.4")

    html = translator_page(needs_key=bool(admission.keys))

    async def page(_: Request) -> Response:
        return HTMLResponse(html, headers={"content-security-policy": _PAGE_POLICY})

    async def description(_: Request) -> Response:
        return JSONResponse(openapi(models, limits))

    routes = [
        Route("/", page, methods=["GET"]),
        Route("/translate", libretranslate.translate, methods=["POST"]),
        Route("/languages", libretranslate.languages, methods=["GET"]),
        Route("/detect", libretranslate.detect, methods=["POST"]),
        Route("/health", libretranslate.health, methods=["GET"]),
        Route("/frontend/settings", libretranslate.settings, methods=["GET"]),
        Route("/v1/translate", interface.translate, methods=["POST"]),
        Route("/v1/attend", interface.attend, methods=["POST"]),
        Route("/v1/models", interface.models, methods=["GET"]),
        Route("/metrics", numbers, methods=["GET"]),
        Route("/openapi.json", description, methods=["GET"]),
    ]
    router = Router(routes, redirect_slashes=False)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = router  # so that the router raises what it finds wrong
        try:
            await router(scope, receive, send)
        except HTTPException as error:
            what = {404: "is not there", 405: "is not asked for by this method"}.get(error.status_code, error.detail)
            allow = (error.headers or {}).get("Allow", "")
            raise RefusedError(error.status_code, f"{scope['path'][:80]} {what}", allow=allow) from None

    return Gate(
        app=routed,
        limits=limits,
        keys=admission.keys,
        hosts=admission.hosts,
        origins=admission.origins,
        metrics=metrics,
        paths=frozenset(route.path for route in routes),
        tells=tells,
    )
