"""Checksummed directories: files of known names, and a manifest with the size and SHA-256 of each.

Checkpoints and exported models are such directories. They may come from strangers, so nothing here trusts what it
reads: a file is opened only if it is a regular file of a known name and of the size that the manifest gives, and its
content is returned only if its hash fits, too.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from nmt.checkpoint import layout
from nmt.errors import ModelError, Problem, StorageError, UnreadableError
from nmt.io.atomic_files import new_directory
from nmt.io.regular_files import open_unfollowed
from nmt.io.strict_json import encode_json, parse_json

FORMAT = "nmt checkpoint"
VERSION = 1

_BLOCK_BYTES = 1 << 20

# What an older checkpoint helps against. A file that may not be read may be whole, and somebody can let it be read.
_DAMAGE = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EIO))

Purpose = Literal["everything", "translation", "training"]


@dataclass(frozen=True)
class FileRecord:
    """The manifest's entry of one file: its size in bytes and its SHA-256 in lower-case hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a checksummed directory, by name, and a JSON object with facts about the model."""

    files: Mapping[str, FileRecord]
    summary: Mapping[str, object]


def write_checksummed(
    final: Path,
    files: Mapping[str, bytes],
    summary: Mapping[str, object],
    *,
    replace: bool,
    unlisted: Mapping[str, bytes] | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Writes `files` and their manifest as the directory `final`, whose parent exists; all of it or nothing.

    Files that are `unlisted` are written, too, and may be changed afterwards: the manifest does not name them.

    A `final` that already holds exactly this is left alone; one that holds anything else is replaced if `replace`.
    `check` may refuse that at the last moment, by an error.

    Raises:
        StorageError: it cannot be written, a file is too large to be read back, or `final` has content and must not be
            replaced.
    """
    assert layout.MODEL_FILES <= files.keys() <= layout.LARGEST_FILES.keys() - {layout.MANIFEST}, sorted(files)
    assert layout.TOKENIZER_FILES & files.keys() in layout.TOKENIZER_SETS, sorted(files)
    what = "has {:,} bytes; a file of this name may have {:,} at most"
    too_large = [
        Problem(str(final / name), what.format(len(data), layout.LARGEST_FILES[name]))
        for name, data in files.items()
        if len(data) > layout.LARGEST_FILES[name]
    ]
    if too_large:
        raise StorageError.from_problems(too_large)
    manifest = _encode_manifest(files, summary)
    if _holds(final, manifest):
        return
    with new_directory(final, replace=replace, check=check) as temporary:
        for name, data in (*files.items(), *(unlisted or {}).items()):
            (temporary / name).write_bytes(data)
        (temporary / layout.MANIFEST).write_bytes(manifest)


def read_manifest(directory: Path) -> Manifest:
    """Reads the manifest of `directory`, and checks that it is as `write_checksummed` writes it.

    Raises ModelError if it is missing, damaged, of another version, or names anything but the files of a model.
    """
    path = directory / layout.MANIFEST
    data = read_regular_file(path)
    document = parse_json(data, path)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelError(str(path), "not the manifest of a model")
    version = document.get("version")
    if version != VERSION:
        raise ModelError(str(path), f"format version {version!r:.40}; this program reads version {VERSION}")
    if document.keys() != {"format", "version", "files", "summary", "sha256"} or data != encode_json(document):
        raise ModelError(str(path), "damaged: not as it was written")
    checksum = document.pop("sha256")
    if checksum != _sha256(encode_json(document)):
        raise ModelError(str(path), "damaged: its SHA-256 does not fit its content")
    files, summary = document["files"], document["summary"]
    if not isinstance(files, dict) or not isinstance(summary, dict):
        raise ModelError(str(path), "files and summary must be objects")
    records = {name: _file_record(path, name, entry) for name, entry in files.items()}
    _check_names(records.keys(), path)
    return Manifest(files=records, summary=summary)


def read_file(directory: Path, name: str, manifest: Manifest) -> bytes:
    """Reads one file of a checksummed directory, once, and compares it with the manifest.

    Raises ModelError if it is missing, no regular file, or damaged.
    """
    path = directory / name
    record = manifest.files.get(name)
    if record is None:
        raise ModelError(str(path), f"not in the {layout.MANIFEST} beside it")
    data = read_regular_file(path, record.size)
    if _sha256(data) != record.sha256:
        raise ModelError(str(path), "damaged: its SHA-256 is not the one in the manifest")
    return data


def verify(directory: Path, *, purpose: Purpose = "everything") -> list[Problem]:
    """Finds everything that is wrong with a checksummed directory, one problem a file, in constant memory.

    The purpose `translation` leaves out the files that only training needs; `training` wants them to be there.
    """
    return [problem for fault in faults(directory, purpose=purpose) for problem in fault.problems]


def check_whole(directory: Path, *, purpose: Purpose) -> None:
    """Raises ModelError if `verify` finds damage, naming each file; UnreadableError if some may not be read at all."""
    found = faults(directory, purpose=purpose)
    damage = [fault for fault in found if not isinstance(fault, UnreadableError)]
    if found:
        kind = ModelError if damage else UnreadableError
        raise kind.from_problems([problem for fault in damage or found for problem in fault.problems])


def faults(directory: Path, *, purpose: Purpose) -> list[ModelError]:
    """Finds the same as `verify`, as errors, whose types tell damage from what may not be read."""
    try:
        manifest = read_manifest(directory)
    except ModelError as error:
        return [error]
    found: list[ModelError] = []
    if purpose == "training":
        missing = sorted(layout.TRAINING_FILES - manifest.files.keys())
        found += [ModelError(str(directory / name), "missing: training cannot go on without it") for name in missing]
    for name in sorted(manifest.files):
        if purpose == "translation" and name in layout.TRAINING_FILES:
            continue
        try:
            _verify_file(directory / name, manifest.files[name])
        except ModelError as error:
            found.append(error)
    return found


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


def _holds(directory: Path, manifest: bytes) -> bool:
    try:
        same = read_regular_file(directory / layout.MANIFEST, len(manifest)) == manifest
    except ModelError:
        return False
    return same and not verify(directory)


def _file_record(path: Path, name: str, entry: object) -> FileRecord:
    if name not in layout.LARGEST_FILES or name == layout.MANIFEST:
        raise ModelError(str(path), f"names {name!r:.100}, which is not a file of a model")
    if not isinstance(entry, dict) or entry.keys() != {"bytes", "sha256"}:
        raise ModelError(str(path), f"{name}: expected its bytes and sha256")
    size, sha256 = entry["bytes"], entry["sha256"]
    if type(size) is not int or not 0 <= size <= layout.LARGEST_FILES[name]:
        raise ModelError(str(path), f"{name}: bytes is {size!r:.40}, expected 0 to {layout.LARGEST_FILES[name]}")
    if not isinstance(sha256, str):
        raise ModelError(str(path), f"{name}: sha256 is {sha256!r:.40}, expected text")
    return FileRecord(size, sha256)


def _check_names(names: Collection[str], path: Path) -> None:
    missing = layout.MODEL_FILES - set(names)
    if missing:
        raise ModelError(str(path), f"names no {' and no '.join(sorted(missing))}")
    tokenizers = layout.TOKENIZER_FILES & set(names)
    if tokenizers not in layout.TOKENIZER_SETS:
        found = ", ".join(sorted(tokenizers)) or "none"
        expected = f"{layout.SHARED_TOKENIZER}, or {layout.SOURCE_TOKENIZER} and {layout.TARGET_TOKENIZER}"
        raise ModelError(str(path), f"the tokenizer files it names are {found}; expected {expected}")


@contextmanager
def open_regular_file(path: Path, size: int | None) -> Iterator[tuple[BinaryIO, int]]:
    """Opens a regular file of a known name, and yields it with its size, which must be `size` unless that is None.

    Raises ModelError if it is missing, of another size or too large: it is damaged. Raises UnreadableError if it is
    there and may be whole, but is a link, no regular file, or may not be read.
    """
    try:
        _check_regular(path, path.lstat(), size)
        # It may have been replaced since: no link is followed, no pipe is waited for.
        descriptor = open_unfollowed(path, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            information = os.fstat(descriptor)
            _check_regular(path, information, size)
            yield file, information.st_size
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> ModelError:
    """Returns the error about a path that cannot be read; UnreadableError, unless it is not there or its disk fails."""
    reason = os.strerror(error.errno) if error.errno is not None else str(error)
    kind = ModelError if error.errno in _DAMAGE else UnreadableError
    return kind(str(path), f"cannot be read: {reason}")


def _check_regular(path: Path, information: os.stat_result, size: int | None) -> None:
    if stat.S_ISLNK(information.st_mode):
        raise UnreadableError(str(path), "a link; a model consists of plain files")
    if not stat.S_ISREG(information.st_mode):
        raise UnreadableError(str(path), "not a plain file")
    if size is not None and information.st_size != size:
        raise ModelError(str(path), f"damaged: {information.st_size} bytes, the manifest says {size}")
    if information.st_size > layout.LARGEST_FILES.get(path.name, layout.LARGEST_OTHER_FILE):
        raise ModelError(str(path), f"{information.st_size} bytes are too large for this file")


def read_regular_file(path: Path, size: int | None = None) -> bytes:
    """Reads a regular file of a known name; arguments and errors are those of `open_regular_file`."""
    with open_regular_file(path, size) as (file, length):
        data = file.read(length)
    if len(data) != length:
        raise ModelError(str(path), f"{len(data)} bytes could be read of {length}")
    return data


def _verify_file(path: Path, record: FileRecord) -> None:
    digest, left = hashlib.sha256(), record.size
    with open_regular_file(path, record.size) as (file, _):
        while left and (block := file.read(min(left, _BLOCK_BYTES))):
            digest.update(block)
            left -= len(block)
    if digest.hexdigest() != record.sha256:
        raise ModelError(str(path), "damaged: its SHA-256 is not the one in the manifest")
