from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nmt.checkpoint.layout import MANIFEST
from nmt.checkpoint.manifest import read_file, read_manifest, verify, write_checksummed
from nmt.errors import ModelError, StorageError
from nmt.io.strict_json import encode_json, parse_json
from sealing import reseal

FILES = {
    "model.safetensors": b"weights" * 100,
    "optimizer.safetensors": b"moments" * 100,
    "state.json": b'{"step": 7}\n',
    "config.yaml": b"name: tiny\n",
    "shared.model": b"pieces",
}
SUMMARY = {"step": 7, "bleu": 12.5}


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    directory = tmp_path / "step-00000007"
    write_checksummed(directory, FILES, SUMMARY, replace=False)
    return directory


def assert_refused(directory: Path, name: str, reason: str) -> None:
    """`name` is refused for `reason`, whether it is verified or read."""
    (problem,) = verify(directory)
    assert problem.where == str(directory / name) and reason in problem.what
    with pytest.raises(ModelError) as caught:
        read_file(directory, "model.safetensors", read_manifest(directory))
    assert caught.value.problems == (problem,) and caught.value.exit_code == 4


def test_what_was_written_is_read_back(sealed: Path) -> None:
    manifest = read_manifest(sealed)
    assert {name: read_file(sealed, name, manifest) for name in manifest.files} == FILES
    assert manifest.summary == SUMMARY
    assert verify(sealed) == []


def test_the_same_content_is_the_same_bytes(sealed: Path) -> None:
    again = sealed.with_name("again")
    write_checksummed(again, dict(reversed(FILES.items())), dict(reversed(SUMMARY.items())), replace=False)
    assert (again / MANIFEST).read_bytes() == (sealed / MANIFEST).read_bytes()


def test_writing_the_same_again_touches_nothing(sealed: Path) -> None:
    before = sealed.stat()
    write_checksummed(sealed, FILES, SUMMARY, replace=False)
    assert sealed.stat() == before


def test_other_content_replaces_only_when_asked(sealed: Path) -> None:
    other = FILES | {"config.yaml": b"name: other\n"}
    with pytest.raises(StorageError):
        write_checksummed(sealed, other, SUMMARY, replace=False)
    assert (sealed / "config.yaml").read_bytes() == FILES["config.yaml"]
    write_checksummed(sealed, other, SUMMARY, replace=True)
    assert (sealed / "config.yaml").read_bytes() == b"name: other\n" and verify(sealed) == []


def test_a_damaged_directory_is_replaced_by_the_same_content(sealed: Path) -> None:
    (sealed / "shared.model").write_bytes(b"damage")
    write_checksummed(sealed, FILES, SUMMARY, replace=True)
    assert verify(sealed) == []


def test_every_bit_flip_and_truncation_is_found_and_its_file_named(sealed: Path) -> None:
    chance = random.Random(3)
    for path in sorted(sealed.iterdir()):
        whole = path.read_bytes()
        for _ in range(40):
            place = chance.randrange(len(whole))
            flipped = bytearray(whole)
            flipped[place] ^= 1 << chance.randrange(8)
            for damaged in (bytes(flipped), whole[:place], whole + b"\n"):
                path.write_bytes(damaged)
                assert [problem.where for problem in verify(sealed)] == [str(path)]
        path.write_bytes(whole)
    assert verify(sealed) == []


@pytest.mark.parametrize("bits", [(5,), pytest.param(range(8), marks=pytest.mark.slow)])
def test_every_bit_of_the_manifest_counts(sealed: Path, bits: Sequence[int]) -> None:
    path = sealed / MANIFEST
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in bits:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            with pytest.raises(ModelError):
                read_manifest(sealed)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(sealed: Path, name: str) -> None:
    (sealed / name).unlink()
    (problem,) = verify(sealed)
    assert problem.where == str(sealed / name) and "No such file" in problem.what


def test_translation_does_not_mind_the_files_of_training(sealed: Path) -> None:
    (sealed / "optimizer.safetensors").write_bytes(b"damage")
    assert verify(sealed, purpose="translation") == []
    assert len(verify(sealed, purpose="training")) == 1


def test_training_misses_its_files_in_an_exported_model(tmp_path: Path) -> None:
    model = {name: data for name, data in FILES.items() if name not in ("optimizer.safetensors", "state.json")}
    write_checksummed(tmp_path / "exported", model, SUMMARY, replace=False)
    assert verify(tmp_path / "exported") == []
    missing = [Path(problem.where).name for problem in verify(tmp_path / "exported", purpose="training")]
    assert missing == ["optimizer.safetensors", "state.json"]


def test_a_link_is_not_followed(sealed: Path, tmp_path: Path) -> None:
    (sealed / "model.safetensors").rename(tmp_path / "elsewhere")
    (sealed / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    assert_refused(sealed, "model.safetensors", "a link")


def test_a_pipe_is_not_waited_for(sealed: Path) -> None:
    (sealed / "model.safetensors").unlink()
    os.mkfifo(sealed / "model.safetensors")
    assert_refused(sealed, "model.safetensors", "not a plain file")


def test_a_folder_is_not_a_file(sealed: Path) -> None:
    (sealed / "model.safetensors").unlink()
    (sealed / "model.safetensors").mkdir()
    assert_refused(sealed, "model.safetensors", "not a plain file")


def test_a_socket_is_not_a_file(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sealed / "model.safetensors").unlink()
    monkeypatch.chdir(sealed)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("model.safetensors")
        assert_refused(sealed, "model.safetensors", "not a plain file")


def test_a_file_too_large_to_be_read_back_is_not_written(tmp_path: Path) -> None:
    large = FILES | {"config.yaml": bytes((1 << 20) + 1), "shared.model": bytes((64 << 20) + 1)}
    with pytest.raises(StorageError) as caught:
        write_checksummed(tmp_path / "new", large, SUMMARY, replace=False)
    assert [Path(problem.where).name for problem in caught.value.problems] == ["config.yaml", "shared.model"]
    assert "1,048,577 bytes" in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [MANIFEST, "config.yaml"])
def test_a_huge_file_is_refused_unread(sealed: Path, name: str) -> None:
    os.truncate(sealed / name, 1 << 40)
    start = time.monotonic()
    (problem,) = verify(sealed)
    assert problem.where == str(sealed / name) and str(1 << 40) in problem.what
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.update(format="zip"), "not the manifest of a model"),
        (lambda d: d.update(version=2), "format version 2; this program reads version 1"),
        (lambda d: d.update(more=1), "not as it was written"),
        (lambda d: d.pop("summary"), "not as it was written"),
        (lambda d: d.update(files=[]), "must be objects"),
        (lambda d: d.update(summary=None), "must be objects"),
        (lambda d: d["files"].update({"../../etc/passwd": {}}), "'../../etc/passwd', which is not a file of a model"),
        (lambda d: d["files"].update({"/etc/passwd": {}}), "'/etc/passwd', which is not a file of a model"),
        (lambda d: d["files"].update({"manifest.json": {}}), "not a file of a model"),
        (lambda d: d["files"].update({"model.safetensors\0": {}}), "not a file of a model"),
        (lambda d: d["files"].pop("config.yaml"), "names no config.yaml"),
        (lambda d: d["files"].pop("shared.model"), "the tokenizer files it names are none"),
        (lambda d: d["files"].update({"source.model": d["files"]["shared.model"]}), "shared.model, source.model"),
        (lambda d: d["files"].update({"config.yaml": 5}), "expected its bytes and sha256"),
        (lambda d: d["files"]["config.yaml"].update(bytes=1 << 60), "expected 0 to 1048576"),
        (lambda d: d["files"]["config.yaml"].update(bytes=-1), "bytes is -1"),
        (lambda d: d["files"]["config.yaml"].update(bytes=True), "bytes is True"),
        (lambda d: d["files"]["config.yaml"].update(bytes=11.0), "bytes is 11.0"),
        (lambda d: d["files"]["config.yaml"].update(sha256=None), "sha256 is None"),
    ],
)
def test_a_hostile_manifest_is_refused(sealed: Path, change: Callable[[dict[str, Any]], None], reason: str) -> None:
    reseal(sealed, change)
    (problem,) = verify(sealed)
    assert problem.where == str(sealed / MANIFEST) and reason in problem.what


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 40 + b"]" * 40,
        b"NaN",
        b"[1e999]",
        b"9" * 5000,
        b'"\\ud800"',
        b'"\xff"',
        b"{} {}",
        b"\xef\xbb\xbf{}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_json_that_could_hurt_is_refused(sealed: Path, text: bytes) -> None:
    with pytest.raises(ModelError):
        parse_json(text, sealed / "state.json")
    (sealed / MANIFEST).write_bytes(text)
    with pytest.raises(ModelError):
        read_manifest(sealed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_manifest_gives_any_other_error(sealed: Path, data: st.DataObject) -> None:
    document = json.loads((sealed / MANIFEST).read_bytes())
    del document["sha256"]
    keys = data.draw(st.sampled_from([("files",), ("files", "config.yaml"), ("files", "config.yaml", "bytes"), ()]))
    place = document
    for key in keys[:-1]:
        place = place[key]
    if keys:
        place[keys[-1]] = data.draw(JSON)
    else:
        document = data.draw(JSON)
    text = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    if isinstance(document, dict):
        document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    target = sealed.with_name("hostile")
    target.mkdir(exist_ok=True)
    (target / MANIFEST).write_text(text, encoding="utf-8")
    for problem in verify(target):
        assert problem.where.startswith(str(target))


@settings(deadline=None)
@given(JSON)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    try:
        data = encode_json(value)
    except ValueError:  # NaN, infinities
        return
    assert parse_json(data, Path("state.json")) == value
