"""Claims about `nmt serve` as a command: what it refuses to begin with, and how it says so."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from program import Call


def test_a_port_in_use_is_told_before_the_model_is_loaded(call: Call, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = call("serve", tmp_path, "--port", port)
    assert done.code == 75
    assert done.errors == [
        f"nmt: error: 127.0.0.1:{port}: another program listens here; --port takes another, and 0 any that is free"
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_need_a_key_unless_anyone_is_allowed(host: str, call: Call, tmp_path: Path) -> None:
    done = call("serve", tmp_path, "--host", host)
    assert done.code == 2 and "--api-key-file, or --allow-anyone" in done.errors[0]


def test_allowed_to_it_listens_anywhere(call: Call, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("0123456789abcdef\n")
    for options in (["--allow-anyone"], ["--api-key-file", tmp_path / "keys"]):
        done = call("serve", tmp_path / "none", "--host", "0.0.0.0", "--port", 0, *options)
        assert done.code == 4 and "none: cannot be read" in done.errors[0]  # it came as far as the model


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--api-key-file", "none"], 66, "none: cannot be read"),
        (
            ["--host", "no such host", "--allow-anyone"],
            2,
            "--host: is no such host, which is no address of this machine",
        ),
        (["--host", "192.0.2.1", "--allow-anyone"], 2, "--host: 192.0.2.1, port 5000: "),
        (["--allow-host", "a:5"], 2, "--allow-host: is the name of a server"),
        (["--allow-origin", "evil.example"], 2, "--allow-origin: is http:// or https:// and a name"),
        (["--max-read-seconds", "inf"], 2, "--max-read-seconds': expected 86400 or less"),
        (["--max-seconds", "1e9"], 2, "--max-seconds': expected 86400 or less"),
        (["--max-queue", "5"], 2, "--max-queue: is 5: expected at least --max-sentences, 1000"),
    ],
)
def test_a_wrong_option_is_told(options: list[str], code: int, said: str, call: Call, tmp_path: Path) -> None:
    done = call("serve", tmp_path, *options)
    assert (done.code, len(done.errors)) == (code, 1) and said in done.errors[0]


def test_a_model_that_is_given_twice_is_told(call: Call, model: Path) -> None:
    done = call("serve", model, model, "--port", 0)
    assert done.code == 2 and done.errors == [f"nmt: error: MODEL: {model} is given twice"]


def test_what_is_not_installed_is_told(call: Call, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find(name, *rest)
    )
    done = call("serve", model, "--port", 0)
    assert done.code == 2 and "serve: needs uvicorn: " in done.errors[0] and "[serve]" in done.errors[0]
