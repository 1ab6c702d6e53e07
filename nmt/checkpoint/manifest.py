"""A sealed directory: a fixed set of file names, and a manifest with the size and SHA-256 of each.

Checkpoints and exported models are such directories. They may come from strangers, so nothing here trusts what it
reads: a file is opened only after it was found to be a plain one of a known name and the size that the manifest gives,
and its content is returned only when its hash fits too.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from nmt.errors import ModelError, Problem, StorageError
from nmt.io.atomic_files import new_directory
from nmt.io.strict_json import encode_json, parse_json

MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
CONFIG = "config.yaml"
OPTIMIZER = "optimizer.safetensors"
STATE = "state.json"
SHORTLIST = "shortlist.safetensors"
SHARED_TOKENIZER = "shared.model"
SOURCE_TOKENIZER = "source.model"
TARGET_TOKENIZER = "target.model"

MODEL_FILES = frozenset({WEIGHTS, CONFIG})
TRAINING_FILES = frozenset({OPTIMIZER, STATE})
TOKENIZER_FILES = frozenset({SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER})
TOKENIZER_SETS = (frozenset({SHARED_TOKENIZER}), frozenset({SOURCE_TOKENIZER, TARGET_TOKENIZER}))

FORMAT = "nmt checkpoint"
VERSION = 1

_MEBIBYTE = 1 << 20
# Far above what the program writes, far below what would hurt to read or, as JSON, to hold.
_LARGEST = {
    MANIFEST: _MEBIBYTE,
    CONFIG: _MEBIBYTE,
    STATE: 8 * _MEBIBYTE,
    SHARED_TOKENIZER: 64 * _MEBIBYTE,
    SOURCE_TOKENIZER: 64 * _MEBIBYTE,
    TARGET_TOKENIZER: 64 * _MEBIBYTE,
    SHORTLIST: 1024 * _MEBIBYTE,
    WEIGHTS: 16 * 1024 * _MEBIBYTE,
    OPTIMIZER: 64 * 1024 * _MEBIBYTE,
}

Purpose = Literal["everything", "translation", "training"]


@dataclass(frozen=True)
class FileRecord:
    """What the manifest says of one file: its size in bytes and its SHA-256 in lower-case hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a sealed directory, by name, and a JSON object that tells a reader about the model."""

    files: Mapping[str, FileRecord]
    summary: Mapping[str, object]


def write_sealed(final: Path, files: Mapping[str, bytes], summary: Mapping[str, object], *, replace: bool) -> None:
    """Writes `files` and their manifest as the directory `final`, whose parent exists; all of it or nothing.

    A `final` that already holds exactly this is left alone; one that holds anything else is replaced if `replace`.

    Raises:
        StorageError: it cannot be written, a file is too large to be read back, or `final` has content and must not be
            replaced.
    """
    _assert_known(files)
    _check_sizes(final, files)
    manifest = _encode_manifest(files, summary)
    if _holds(final, manifest):
        return
    with new_directory(final, replace=replace) as temporary:
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        (temporary / MANIFEST).write_bytes(manifest)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of `directory`, once every part of it was found to be as `write_sealed` writes it.

    Raises:
        ModelError: it is missing, damaged, of another version, or names anything but the files of a model.
    """
    path = directory / MANIFEST
    data = read_plain(path)
    document = parse_json(data, path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelError(str(path), "not the manifest of a model")
    version = document.get("version")
    if version != VERSION:
        raise ModelError(str(path), f"format version {version!r:.40}; this program reads version {VERSION}")
    if document.keys() != {"format", "version", "files", "summary", "sha256"} or data != encode_json(document):
        raise ModelError(str(path), "damaged: not as it was written")
    seal = document.pop("sha256")
    if seal != _sha256(encode_json(document)):
        raise ModelError(str(path), "damaged: its SHA-256 does not fit its content")
    files, summary = document["files"], document["summary"]
    if not isinstance(files, dict) or not isinstance(summary, dict):
        raise ModelError(str(path), "files and summary must be objects")
    records = {name: _file_record(path, name, entry) for name, entry in files.items()}
    _check_names(records.keys(), path)
    return Manifest(files=records, summary=summary)


def read_file(directory: Path, name: str, manifest: Manifest) -> bytes:
    """The content of one file of a sealed directory, read once and found as the manifest says.

    Raises:
        ModelError: it is missing, no plain file, or damaged.
    """
    path = directory / name
    record = manifest.files.get(name)
    if record is None:
        raise ModelError(str(path), f"not in the {MANIFEST} beside it")
    data = read_plain(path, record.size)
    if _sha256(data) != record.sha256:
        raise ModelError(str(path), "damaged: its SHA-256 is not the one in the manifest")
    return data


def read_state(directory: Path, manifest: Manifest) -> dict[str, object]:
    """What training needs to go on besides tensors, as JSON values.

    Raises:
        ModelError: it is missing, damaged, or something else.
    """
    state = parse_json(read_file(directory, STATE, manifest), directory / STATE)
    if not isinstance(state, dict):
        raise ModelError(str(directory / STATE), f"expected a JSON object, found {type(state).__name__}")
    return state


def verify(directory: Path, *, purpose: Purpose = "everything") -> list[Problem]:
    """Everything that is wrong with a sealed directory, one problem a file, in constant memory; empty when all is well.

    Args:
        directory: a checkpoint or an exported model.
        purpose: `translation` leaves out the files that only training needs; `training` wants them to be there.
    """
    try:
        manifest = read_manifest(directory)
    except ModelError as error:
        return list(error.problems)
    problems: list[Problem] = []
    if purpose == "training":
        problems += [
            Problem(str(directory / name), "missing: training cannot go on without it")
            for name in sorted(TRAINING_FILES - manifest.files.keys())
        ]
    for name in sorted(manifest.files):
        if purpose == "translation" and name in TRAINING_FILES:
            continue
        try:
            _verify_file(directory / name, manifest.files[name])
        except ModelError as error:
            problems += error.problems
    return problems


def foreign_files(directory: Path, manifest: Manifest) -> list[Problem]:
    """What else there is in a sealed directory: nothing that this program writes.

    Raises:
        ModelError: the directory cannot be listed.
    """
    try:
        found = {path.name for path in directory.iterdir()}
    except OSError as error:
        raise ModelError(str(directory), f"cannot be read: {error.strerror}") from error
    foreign = sorted(found - manifest.files.keys() - {MANIFEST})
    return [Problem(str(directory / name), f"not in the {MANIFEST} beside it") for name in foreign]


def _encode_manifest(files: Mapping[str, bytes], summary: Mapping[str, object]) -> bytes:
    document: dict[str, object] = {
        "format": FORMAT,
        "version": VERSION,
        "files": {name: {"bytes": len(data), "sha256": _sha256(data)} for name, data in files.items()},
        "summary": dict(summary),
    }
    return encode_json(document | {"sha256": _sha256(encode_json(document))})


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _assert_known(files: Mapping[str, bytes]) -> None:
    assert MODEL_FILES <= files.keys() <= _LARGEST.keys() - {MANIFEST}, sorted(files)
    assert TOKENIZER_FILES & files.keys() in TOKENIZER_SETS, sorted(files)


def _check_sizes(final: Path, files: Mapping[str, bytes]) -> None:
    problems = [
        Problem(str(final / name), f"has {len(data):,} bytes; a file of this name may have {_LARGEST[name]:,} at most")
        for name, data in files.items()
        if len(data) > _LARGEST[name]
    ]
    if problems:
        raise StorageError.from_problems(problems)


def _holds(directory: Path, manifest: bytes) -> bool:
    try:
        same = read_plain(directory / MANIFEST, len(manifest)) == manifest
    except ModelError:
        return False
    return same and not verify(directory)


def _file_record(path: Path, name: str, entry: object) -> FileRecord:
    if name not in _LARGEST or name == MANIFEST:
        raise ModelError(str(path), f"names {name!r:.100}, which is not a file of a model")
    if not isinstance(entry, dict) or entry.keys() != {"bytes", "sha256"}:
        raise ModelError(str(path), f"{name}: expected its bytes and sha256")
    size, sha256 = entry["bytes"], entry["sha256"]
    if type(size) is not int or not 0 <= size <= _LARGEST[name]:
        raise ModelError(str(path), f"{name}: bytes is {size!r:.40}, expected 0 to {_LARGEST[name]}")
    if not isinstance(sha256, str):
        raise ModelError(str(path), f"{name}: sha256 is {sha256!r:.40}, expected text")
    return FileRecord(size, sha256)


def _check_names(names: Collection[str], path: Path) -> None:
    missing = MODEL_FILES - set(names)
    if missing:
        raise ModelError(str(path), f"names no {' and no '.join(sorted(missing))}")
    tokenizers = TOKENIZER_FILES & set(names)
    if tokenizers not in TOKENIZER_SETS:
        found = ", ".join(sorted(tokenizers)) or "none"
        expected = f"{SHARED_TOKENIZER}, or {SOURCE_TOKENIZER} and {TARGET_TOKENIZER}"
        raise ModelError(str(path), f"the tokenizer files it names are {found}; expected {expected}")


@contextmanager
def open_plain(path: Path, size: int | None) -> Iterator[tuple[BinaryIO, int]]:
    """Opens a plain file of a known name, and gives it with its size, which must be `size` unless that is None.

    Raises:
        ModelError: it is missing, a link, not a plain file, of another size, too large, or cannot be read.
    """
    try:
        _check_plain(path, path.lstat(), size)
        # What was a plain file a moment ago may be none now: no link is followed, no pipe is waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            information = os.fstat(descriptor)
            _check_plain(path, information, size)
            yield file, information.st_size
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno is not None else str(error)
        raise ModelError(str(path), f"cannot be read: {reason}") from error


def _check_plain(path: Path, information: os.stat_result, size: int | None) -> None:
    if stat.S_ISLNK(information.st_mode):
        raise ModelError(str(path), "a link; a model consists of plain files")
    if not stat.S_ISREG(information.st_mode):
        raise ModelError(str(path), "not a plain file")
    if size is not None and information.st_size != size:
        raise ModelError(str(path), f"damaged: {information.st_size} bytes, the manifest says {size}")
    if information.st_size > _LARGEST.get(path.name, _MEBIBYTE):
        raise ModelError(str(path), f"{information.st_size} bytes are too large for this file")


def read_plain(path: Path, size: int | None = None) -> bytes:
    """The content of a plain file of a known name; arguments and errors are those of `open_plain`."""
    with open_plain(path, size) as (file, found):
        data = file.read(found)
    if len(data) != found:
        raise ModelError(str(path), f"{len(data)} bytes could be read of {found}")
    return data


def _verify_file(path: Path, record: FileRecord) -> None:
    digest, left = hashlib.sha256(), record.size
    with open_plain(path, record.size) as (file, _):
        while left and (block := file.read(min(left, _MEBIBYTE))):
            digest.update(block)
            left -= len(block)
    if digest.hexdigest() != record.sha256:
        raise ModelError(str(path), "damaged: its SHA-256 is not the one in the manifest")
