"""Promise 27: where keys are asked for, nobody is let in without one; and no page from elsewhere asks in secret."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.service.application import Admission
from nmt.service.hosts import Hosts
from nmt.service.keys import Keys
from proofs import Proof
from served import Reply, Serve, Served

KEY = "k" * 20 + "1"
FIELDS = {"q": "ba", "text": "ba", "source": "xx", "target": "yy"}
ROUTES = {
    "/translate": "POST",
    "/languages": "GET",
    "/detect": "POST",
    "/frontend/settings": "GET",
    "/v1/translate": "POST",
    "/v1/attend": "POST",
    "/v1/models": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/none": "GET",
}
OPEN = {"/health", "/"}
IN_BODY = {"/translate", "/languages", "/detect", "/frontend/settings"}  # of LibreTranslate's clients


WRONG = [
    "",
    "k",
    KEY[:-1],
    KEY + "1",
    KEY.upper(),
    "k" * 20 + "2",
    f"{KEY} {KEY}",
    f"{KEY},{KEY}",
    "None",
    "\u00ff" * 21,
]
PLACES = {
    "no scheme": lambda key: {"authorization": key},
    "another scheme": lambda key: {"authorization": f"Digest {key}"},
    "a password": lambda key: {"authorization": "Basic " + base64.b64encode(f"anybody:{key}".encode()).decode()},
    "a cookie": lambda key: {"cookie": f"api_key={key}; Authorization=Bearer {key}"},
    "X-API-Key": lambda key: {"x_api_key": key},
    "Proxy-Authorization": lambda key: {"proxy_authorization": f"Bearer {key}"},
    "the referrer": lambda key: {"referer": f"http://localhost/?api_key={key}"},
}


@pytest.fixture(scope="module")
def locked(serve: Serve, model: Path) -> Iterator[Served]:
    admission = Admission(
        Keys([KEY, "another key".replace(" ", "-")]), Hosts(["served.example"]), frozenset({"https://ours.example"})
    )
    with serve([model], admission=admission) as served:
        yield served


def ask(served: Served, path: str, fields: dict[str, str] | None = None, query: str = "", **headers: str) -> Reply:
    body = json.dumps({**FIELDS, **(fields or {})}) if ROUTES.get(path, "GET") == "POST" else None
    if path.startswith("/v1/") and body is not None:
        body = json.dumps({"text": "ba", **(fields or {})})
    return served.ask(ROUTES.get(path, "GET"), path + query, body, **{"content_type": "application/json"} | headers)


@pytest.mark.promise(27, gate=len(ROUTES) * len(WRONG) * 2, full=len(ROUTES) * len(WRONG) * 2)
def test_promise_27_no_route_takes_a_wrong_key(proof: Proof, locked: Served) -> None:
    for path in ROUTES:
        for key in WRONG:
            with proof.case(f"{path} {key!r} header"):
                header = f"Bearer {key}".encode().decode("latin-1")
                assert ask(locked, path, authorization=header).status == 403
            with proof.case(f"{path} {key!r} field"):
                assert ask(locked, path, {"api_key": key}).status == 403


@pytest.mark.promise(27, gate=len(ROUTES) * (len(PLACES) + 2), full=len(ROUTES) * (len(PLACES) + 2))
def test_promise_27_nor_the_key_in_a_wrong_place(proof: Proof, locked: Served) -> None:
    for path in ROUTES:
        for name, place in PLACES.items():
            with proof.case(f"{path} {name}"):
                assert ask(locked, path, **place(KEY)).status == 403
        with proof.case(f"{path} query"):
            admitted = path in IN_BODY
            assert ask(locked, path, query=f"?api_key={KEY}").status == (200 if admitted else 403)
        with proof.case(f"{path} path"):
            assert ask(locked, f"{path}/{KEY}".replace("//", "/")).status == 403


@pytest.mark.promise(27, gate=len(ROUTES) + 8, full=len(ROUTES) + 8)
def test_promise_27_the_key_lets_in(proof: Proof, locked: Served) -> None:
    for path in ROUTES:
        status = 404 if path == "/none" else 200
        with proof.case(path):
            assert ask(locked, path, authorization=f"Bearer {KEY}").status == status
    for path in sorted(IN_BODY):
        with proof.case(f"{path} field"):
            fields = {"api_key": KEY}
            reply = ask(locked, path, fields) if ROUTES[path] == "POST" else ask(locked, path, query=f"?api_key={KEY}")
            assert reply.status == 200
    for path in sorted(OPEN):
        with proof.case(path):
            reply = ask(locked, path)
            assert reply.status == 200 and "www-authenticate" not in reply.headers
            assert not re.search("xx|yy|tiny", reply.body.decode())  # neither a language nor a model's name
    with proof.case("null is no key"):
        assert locked.post("/translate", {**FIELDS, "api_key": None}).status == 403
    with proof.case("a number is no key"):
        assert locked.post("/translate", {**FIELDS, "api_key": 1}).status == 400


FOREIGN_HOSTS = [
    "evil.example",
    "localhost.evil.example",
    "served.example.evil.example",
    "",
    "localhost@evil.example",
    "x y",
]
FOREIGN_ORIGINS = ["https://evil.example", "null", "http://localhost:1", "https://ours.example.evil.example", "file://"]


@pytest.mark.promise(27, gate=len(ROUTES) * 11, full=len(ROUTES) * 11)
def test_promise_27_no_foreign_name_and_no_foreign_page(proof: Proof, locked: Served) -> None:
    let_in = f"Bearer {KEY}"
    for path in ROUTES:
        for host in FOREIGN_HOSTS:
            with proof.case(f"{path} Host {host}"):
                assert ask(locked, path, authorization=let_in, host=host).status == 403
        for origin in FOREIGN_ORIGINS:
            with proof.case(f"{path} Origin {origin}"):
                reply = ask(locked, path, authorization=let_in, origin=origin)
                assert reply.status == 403 and "access-control-allow-origin" not in reply.headers


@pytest.mark.promise(27, gate=6, full=6)
def test_promise_27_names_and_pages_that_were_named_are_let_in(proof: Proof, locked: Served) -> None:
    let_in = f"Bearer {KEY}"
    for host in ("served.example", "SERVED.example:80", "127.0.0.1", "[::1]:5000"):
        with proof.case(host):
            assert ask(locked, "/languages", authorization=let_in, host=host).status == 200
    with proof.case("origin"):
        reply = ask(locked, "/v1/translate", authorization=let_in, origin="https://ours.example")
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "https://ours.example")
    with proof.case("preflight"):
        reply = locked.ask("OPTIONS", "/v1/translate", origin="https://ours.example")
        assert reply.status == 204 and reply.headers["access-control-allow-headers"] == "Authorization, Content-Type"
