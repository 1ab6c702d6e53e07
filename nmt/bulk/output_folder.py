"""The output of a job: a folder of shards, each written whole, and a manifest of what they were made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.bulk.file_systems import locate, names_below, read_whole, write_whole
from nmt.bulk.inputs import TEXT
from nmt.bulk.writing import ENDINGS
from nmt.errors import ConfigError, DataError, Problem
from nmt.io.atomic_files import TEMPORARY_PREFIX, make_directory, remove_stale_temporaries
from nmt.io.locks import LOCK_NAME, RunLock

MANIFEST = "_job.json"
ERRORS = "_errors"


@dataclass(frozen=True)
class OutputFolder:
    """A folder of shards.

    Attributes:
        root: a path or a URI.
        kind: the format of its files.
    """

    root: str
    kind: str

    def file_name(self, shard: str) -> str:
        """Returns the name of the file of a shard."""
        return f"{shard}.{'txt' if self.kind == TEXT else ENDINGS[self.kind]}"

    def write_shard(self, shard: str, data: bytes, errors: list[str]) -> None:
        """Writes a shard, and before it what is told of its rows that could not be translated, a line each.

        Raises StorageError if it cannot be written.
        """
        place = locate(self.root)
        if errors:
            lines = "".join(f"{line}\n" for line in errors)
            write_whole(place.inside(f"{ERRORS}/{shard}.jsonl"), lines.encode())
        write_whole(place.inside(self.file_name(shard)), data)

    def shards(self) -> list[str]:
        """Lists the names of the files of shards."""
        return [name for name in names_below(locate(self.root)) if not name.startswith(("_", "."))]

    def count_errors(self, files: set[str]) -> int:
        """Counts the rows that could not be translated, of the shards with these files."""
        place = locate(self.root)
        names = [name.removesuffix(".jsonl") for name in names_below(place.inside(ERRORS))]
        found = [name for name in names if self.file_name(name) in files]
        return sum((read_whole(place.inside(f"{ERRORS}/{name}.jsonl")) or b"").count(b"\n") for name in found)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder, keeps other jobs from writing there, and removes what killed workers left half-written.

        Of a file system of its own, such as an object store, nothing keeps others away.

        Raises:
            RunInUseError: another job is writing there.
            StorageError: it cannot be written.
        """
        place = locate(self.root)
        if not place.is_local:
            yield
            return
        folder = Path(place.path)
        make_directory(folder)
        with RunLock(folder):
            self._tidy(folder)
            yield
            self._tidy(folder)

    def _tidy(self, folder: Path) -> None:
        """Removes what workers that were killed have left half-written."""
        for name in [".", *{str(Path(name).parent) for name in names_below(locate(self.root))}]:
            remove_stale_temporaries(folder / name)

    def begin(self, description: Mapping[str, Any]) -> dict[str, Any] | None:
        """Writes the description of a new job, or compares it with that of the job that was begun here.

        Returns what `finish` told, if the job is finished.

        Raises:
            ConfigError: another job was begun here, or the folder holds other files.
            DataError: the manifest is damaged.
        """
        place = locate(self.root).inside(MANIFEST)
        data = read_whole(place)
        if data is None:
            ours = (LOCK_NAME, TEMPORARY_PREFIX)
            others = [name for name in names_below(locate(self.root)) if not name.startswith(ours)]
            if others:
                what = f"{self.root} holds other files, such as {others[0]}: expected a new or an empty folder"
                raise ConfigError("--output", what)
            write_whole(place, _encoded({"job": description}))
            return None
        before = _decoded(data, place.path)
        if problems := list(_differences(before["job"], description, self.root)):
            raise ConfigError.from_problems(problems)
        finished = before.get("finished")
        return finished if isinstance(finished, dict) else None

    def finish(self, description: Mapping[str, Any], told: Mapping[str, int]) -> None:
        """Writes that all is translated."""
        write_whole(locate(self.root).inside(MANIFEST), _encoded({"job": description, "finished": told}))


def _encoded(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _decoded(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
        if isinstance(document["job"], dict):
            return dict(document)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise DataError(name, "is damaged: expected what nmt bulk wrote there; remove the folder to begin anew")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], root: str) -> Iterator[Problem]:
    """Yields what differs between two jobs: keys are options, and `INPUT` has files by name."""
    begun = f"{root} was begun with"
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if key == "INPUT" and isinstance(old, dict) and isinstance(new, dict):
            names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            yield Problem(key, f"is not what {begun}: {names[0]}{more} changed; expected the same, or another --output")
        elif key == "MODEL":
            yield Problem(key, f"is not the model that {begun}; expected that, or another --output")
        else:
            yield Problem(key, f"is {new}, but {begun} {old}; expected that, or another --output")
