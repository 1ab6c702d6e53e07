"""A small server in place of `nmt serve`, for tests of its page: the paths below /v1, and what goes wrong on order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from nmt.postprocessing.postprocess import Postprocessor
from nmt.postprocessing.translation_fields import translation_fields
from nmt.translation.translator import Translator
from nmt.visualization.attention_page.document import attention_data
from nmt.visualization.translator_page.document import translator_page


class Refusal(NamedTuple):
    """An answer that is none."""

    status: int
    told: str
    headers: Mapping[str, str] = {}


class StandIn:
    """A server on loopback. Each line of a text is a sentence.

    Attributes:
        models: what GET /v1/models answers.
        asked: bodies of the questions to each path, in their order.
        refusals: by path, answers to give instead of the next ones.
        key: that every question needs, if there is one.
        before: called with the body of a translation before it is answered; it may wait.
    """

    def __init__(self, translators: Mapping[str, Translator], models: list[dict[str, Any]]) -> None:
        self.translators = translators
        self.models = models
        self.forget()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand_in.answer(self, None)

            def do_POST(self) -> None:
                stand_in.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._computing = threading.Lock()

    def forget(self) -> None:
        """Becomes as it was at first."""
        self.asked: dict[str, list[Any]] = {}
        self.refusals: dict[str, list[Refusal]] = {}
        self.key: str | None = None
        self.before: Callable[[Any], None] = lambda _: None

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: Any) -> None:
        path = handler.path
        self.asked.setdefault(path, []).append(body)
        refusals = self.refusals.get(path)
        if path == "/":
            self._send(handler, 200, "text/html; charset=utf-8", translator_page(needs_key=self.key is not None))
        elif self.key is not None and handler.headers["Authorization"] != f"Bearer {self.key}":
            self._refuse(handler, Refusal(403, "needs a key: Authorization: Bearer KEY"))
        elif refusals:
            self._refuse(handler, refusals.pop(0))
        else:
            answers = {"/v1/models": self._models, "/v1/translate": self._translate, "/v1/attend": self._attend}
            self._send(handler, 200, "application/json", answers[path](body))

    def _models(self, _: None) -> str:
        return json.dumps({"models": self.models})

    def _translate(self, body: Any) -> str:
        self.before(body)
        text, translator = body["text"], self.translators[body["model"]]
        [model] = [one for one in self.models if one["name"] == body["model"]]
        sentences, start, before = [], 0, ""
        with self._computing:
            for line in text.split("\n"):
                if line.strip():
                    options = translator.options(n_best=body["n_best"], attention=True)
                    [translation] = translator.translate([line], options)
                    fields = translation_fields(0, Postprocessor(confidence=True).apply(translation), "soft", "word")
                    values = {name: json.loads(value) for name, value in fields.items()}
                    sentences.append({"start": start, "source_before": before, "before": before} | values)
                    before = ""
                before += "\n"
                start += len(line) + 1
        whole = "".join(one["before"] + one["translation"] for one in sentences)
        fields = {name: model[name] for name in ("source", "target")} | {"model": model["name"], "text": text}
        answer = fields | {"translation": whole, "sentences": sentences, "after": before[:-1]}
        return json.dumps({"translations": [answer]})

    def _attend(self, body: Any) -> str:
        with self._computing:
            trace = self.translators[body["model"]].attend(body["text"])
        return json.dumps(attention_data([trace], body["unit"], "text"))

    def _refuse(self, handler: BaseHTTPRequestHandler, refusal: Refusal) -> None:
        body = json.dumps({"error": refusal.told})
        self._send(handler, refusal.status, "application/json", body, refusal.headers)

    def _send(
        self,
        handler: BaseHTTPRequestHandler,
        status: int,
        kind: str,
        text: str,
        headers: Mapping[str, str] = {},
    ) -> None:
        data = text.encode()
        try:
            handler.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)
        except ConnectionError:
            pass  # the page has asked for something else by now
