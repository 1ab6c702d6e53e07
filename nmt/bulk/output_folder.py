"""The output of a job: a folder of shards, each written whole, and a manifest of what they were made from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nmt.bulk.attempts import Attempts
from nmt.bulk.file_systems import Location, list_files, locate, read_whole, remove_file, remove_folder, write_whole
from nmt.bulk.manifest import decode_manifest, differences, encode_manifest
from nmt.bulk.shards import ShardName, find_gap
from nmt.bulk.writing import ENDINGS
from nmt.errors import ConfigError, StorageError
from nmt.io.atomic_files import TEMPORARY_PREFIX, make_directory, remove_stale_temporaries
from nmt.io.locks import LOCK_NAME, RunLock

MANIFEST = "_job.json"
ERRORS, ATTEMPTS = "_errors", "_attempts"


@dataclass(frozen=True)
class OutputFolder:
    """A folder of shards.

    Attributes:
        root: an absolute path, or a URI.
        format: of its files.
    """

    root: str
    format: str

    @cached_property
    def location(self) -> Location:
        """Where it is."""
        return locate(self.root)

    def file_name(self, shard: ShardName) -> str:
        """Returns the name of the file of a shard."""
        return f"{shard}.{ENDINGS[self.format]}"

    def write_shard(self, shard: ShardName, data: bytes, errors: Sequence[str]) -> None:
        """Writes a shard, and before it what is told of its rows that could not be translated, a line each.

        Raises StorageError if it cannot be written.
        """
        told = self.location.inside(f"{ERRORS}/{shard}.jsonl")
        if errors:
            write_whole(told, "".join(f"{line}\n" for line in errors).encode())
        else:
            remove_file(told)  # of an attempt that was another's
        write_whole(self.location.inside(self.file_name(shard)), data)

    def attempts(self, shard: ShardName) -> Attempts:
        """Begins an attempt at a shard; see there."""
        return Attempts.begin(self.location.inside(f"{ATTEMPTS}/{shard}.json"), shard)

    def shards(self, files: Collection[str]) -> list[ShardName]:
        """Lists the shards of input files of these names that are there."""
        ending = f".{ENDINGS[self.format]}"
        names = (found.name for found in list_files(self.location))
        shards = (ShardName.parse(name.removesuffix(ending)) for name in names if name.endswith(ending))
        return [shard for shard in shards if shard is not None and shard.file in files]

    def count_errors(self, shards: Collection[ShardName]) -> int:
        """Counts the rows of shards that could not be translated."""
        folder = self.location.inside(ERRORS)
        there = {found.name for found in list_files(folder)}
        names = [name for name in (f"{shard}.jsonl" for shard in shards) if name in there]
        return sum((read_whole(folder.inside(name)) or b"").count(b"\n") for name in names)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the folder, keeps other jobs from writing, and removes what is left half-written, before and after.

        Of a file system of its own, such as an object store, nothing keeps others away.

        Raises:
            RunInUseError: another job is writing there.
            StorageError: it cannot be written.
        """
        if not self.location.is_local:
            remove_folder(self.location.inside(ATTEMPTS))
            yield
            remove_folder(self.location.inside(ATTEMPTS))
            return
        folder = Path(self.location.path)
        make_directory(folder)
        with RunLock(folder):
            self._tidy(folder)
            try:
                yield
            finally:
                self._tidy(folder)

    def _tidy(self, folder: Path) -> None:
        """Removes what workers that were killed have left behind."""
        remove_folder(self.location.inside(ATTEMPTS))
        for name in [".", *{str(Path(found.name).parent) for found in list_files(self.location)}]:
            remove_stale_temporaries(folder / name)

    def begin(self, description: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any] | None:
        """Writes the description of a new job, or compares it with that of the job that was begun here.

        Args:
            description: of the job.
            defaults: of what a description that is there already may lack, since its version had no such option.

        Returns what `finish` was given, if the job is finished.

        Raises:
            ConfigError: another job was begun here, or the folder holds other files.
            DataError: the manifest is damaged.
        """
        manifest = self.location.inside(MANIFEST)
        data = read_whole(manifest)
        if data is None:
            ours = (LOCK_NAME, TEMPORARY_PREFIX)
            others = [found.name for found in list_files(self.location) if not found.name.startswith(ours)]
            if others:
                what = f"{self.root} holds other files, such as {others[0]}: expected a new or an empty folder"
                raise ConfigError("--output", what)
            write_whole(manifest, encode_manifest({"job": description}))
            return None
        before = decode_manifest(data, manifest.path)
        if problems := list(differences({**defaults, **before["job"]}, description, self.root)):
            raise ConfigError.from_problems(problems)
        finished = before.get("finished")
        return finished if isinstance(finished, dict) and {"rows", "errors"} <= finished.keys() else None

    def find_gap(self, rows: Mapping[str, int]) -> str | None:
        """Returns what keeps the shards from having each row once; None if they do.

        Args:
            rows: their number in each file of the input.
        """
        of_files: dict[str, list[ShardName]] = {file: [] for file in rows}
        for shard in self.shards(rows):
            of_files[shard.file].append(shard)
        gaps = ((file, find_gap(of_files[file], count)) for file, count in rows.items())
        return next((f"{gap} of {file}" for file, gap in gaps if gap is not None), None)

    def finish(self, description: Mapping[str, Any], rows: Mapping[str, int], errors: int) -> None:
        """Writes that all is translated.

        Args:
            description: of the job.
            rows: their number in each file of the input.
            errors: number of rows that could not be translated.

        Raises StorageError if the output does not have each row once.
        """
        if (gap := self.find_gap(rows)) is not None:
            raise StorageError(self.root, f"{gap}, though all were written: run the same command again")
        document = {"job": description, "finished": {"rows": rows, "errors": errors}}
        write_whole(self.location.inside(MANIFEST), encode_manifest(document))
