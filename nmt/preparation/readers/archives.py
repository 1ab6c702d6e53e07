"""Archives: zip and tar. Nothing is ever written under a name that an archive gives."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Self, cast

from nmt.errors import DataError, InputFileError
from nmt.io.compression import BLOCK_BYTES, DamagedDataError, damaged_data_errors
from nmt.io.file_kind import COMPRESSED, HEAD_BYTES, FileKind, kind_of
from nmt.io.streams import InputStream
from nmt.preparation.readers.sources import Source, Storage, examined, local_storage, write_copy

_LONGEST_HEADER = 1 << 20  # bytes of a name or of other facts of a member of a tar
_DRIVE = re.compile(r"[A-Za-z]:")
_HEADER_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
# Bytes of a member that hold its first line, if it is long, compressed ones, too: bzip2 packs nearly a mebibyte of text
# together, and such a line may stand in two of these.
_LONG_HEAD = 1 << 21
_ENCRYPTED = 1  # bit of a member's flags
_DOCUMENTS = {"readme", "license", "licence", "copying", "info", "changelog", "authors", "notice"}


def _checked_name(archive: str, name: str) -> str:
    """Returns the name of a member as errors call it; raises DataError for one that leads out of a folder."""
    where = f"{archive}/{name}"
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in re.split(r"[/\\]", name):
        raise DataError(where, "leads out of the folder of an archive, as no honest name does; the archive is not read")
    return where


def _can_be_corpus(name: str) -> bool:
    """Returns False for members that are about a corpus, and those that systems leave in archives."""
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "_")) and part != "." for part in path.parts)
    return not hidden and path.name.partition(".")[0].lower() not in _DOCUMENTS


class ZipMembers:
    """The members of a zip archive, as a context manager."""

    def __init__(self, source: Source, workspace: Path, tick: Callable[[], None]) -> None:
        self._source = source
        self._workspace = workspace
        self._tick = tick

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            path = resources.enter_context(self._source.as_file(self._workspace, self._tick))
            file = resources.enter_context(path.open("rb"))
            with self._errors():
                self._archive = resources.enter_context(zipfile.ZipFile(file))
            self._resources = resources.pop_all()
        self._expansion = self._source.storage.expansion()  # of all together, since members may share their bytes
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        name = self._source.name
        try:
            yield
        except (zipfile.BadZipFile, EOFError, ValueError, OSError) as error:  # the last of a place before the beginning
            raise InputFileError(name, f"is a zip archive that is damaged or cut short: {error}") from error
        except NotImplementedError as error:
            raise DataError(name, f"is packed in a way that cannot be read: {error}") from error

    def examined(self) -> list[Source]:
        """Returns those members that may hold a corpus."""
        found: dict[str, Source] = {}  # a member that comes again stands for itself
        for member in self._archive.infolist():
            self._tick()
            where = _checked_name(self._source.name, member.filename)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(where, "is a link, as no corpus needs; the archive is not read")
            if member.is_dir() or not _can_be_corpus(member.filename):
                continue
            if member.flag_bits & _ENCRYPTED:
                raise DataError(where, "is encrypted; expected an archive without a password")
            found[where] = examined(where, Storage(self._opener(member), lambda: self._expansion))
        return [*found.values()]

    def _opener(self, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        def opened() -> IO[bytes]:
            with self._errors():
                return cast(IO[bytes], _Member(self._archive.open(member)))

        return opened

    @contextmanager
    def stored(self, chosen: list[Source]) -> Iterator[list[Source]]:
        """Yields the sources as they can be read inside the context, as often as needed."""
        yield chosen


class _Member(io.RawIOBase):
    """A member of a zip archive; damage is told as that of other compressed data."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member

    def read(self, size: int = -1) -> bytes:
        with damaged_data_errors():
            try:
                return self._member.read(size)
            except (zipfile.BadZipFile, NotImplementedError) as error:
                raise DamagedDataError(str(error)) from error

    def close(self) -> None:
        self._member.close()
        super().close()


class TarMembers:
    """The members of a tar archive, compressed or not, as a context manager; read from its beginning each time."""

    def __init__(self, source: Source, workspace: Path, tick: Callable[[], None]) -> None:
        self._source = source
        self._workspace = workspace
        self._tick = tick

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Has nothing to close: each reading closes what it opened."""

    def examined(self) -> list[Source]:
        """Returns those members that may hold a corpus; what `stored` makes of them can be read."""
        found: dict[str, Source] = {}  # a member that comes again stands for itself
        with self._errors(), closing(self._members()) as members:
            for where, member in members:
                if _can_be_corpus(where.removeprefix(f"{self._source.name}/")):
                    data = member.read(BLOCK_BYTES)
                    if b"\n" not in data or kind_of(data[:HEAD_BYTES]) in COMPRESSED:
                        data += member.read(_LONG_HEAD)
                    head = Storage(partial(io.BytesIO, data), self._source.storage.expansion)
                    found[where] = examined(where, head)._replace(storage=self._source.storage)
        return [*found.values()]

    @contextmanager
    def stored(self, chosen: list[Source]) -> Iterator[list[Source]]:
        """Yields the sources as they can be read inside the context: from copies, which are then removed."""
        wanted = {source.name: source for source in chosen}
        with TemporaryDirectory(dir=self._workspace) as folder:
            with self._errors(), closing(self._members()) as members:
                for number, (where, member) in enumerate(members):
                    if where in wanted:
                        copy = Path(folder) / str(number)
                        blocks = iter(partial(member.read, BLOCK_BYTES), b"")
                        write_copy(InputStream(where, blocks, None, ExitStack()), copy, self._tick)
                        wanted[where] = wanted[where]._replace(storage=local_storage(where, copy))
            yield [wanted[source.name] for source in chosen]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        name = self._source.name
        try:
            yield
        except (tarfile.TarError, ValueError) as error:
            raise InputFileError(name, f"is a tar archive that is damaged or cut short: {error}") from error
        except RecursionError as error:
            raise InputFileError(name, "is a tar archive of which a member has hundreds of headers") from error

    def _members(self) -> Generator[tuple[str, IO[bytes]]]:
        """Yields each regular file with its name, which can be read until the next is asked for."""
        with self._source.open() as stream:
            with tarfile.open(fileobj=_Reader(stream), mode="r|", tarinfo=_BoundedHeader) as archive:
                for member in archive:
                    self._tick()
                    where = _checked_name(self._source.name, member.name)
                    if member.isdir():
                        continue
                    if not member.isreg() or member.issparse():
                        raise DataError(where, f"is {_sort_of(member)}, as no corpus needs; the archive is not read")
                    data = archive.extractfile(member)
                    assert data is not None
                    yield where, data
            while stream.read():  # what is compressed and cut short shows at its end
                self._tick()


def _sort_of(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link"
    return "a file with holes" if member.issparse() else "a device or a pipe"


class _BoundedHeader(tarfile.TarInfo):
    """A member's header; none that takes much memory is read."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _HEADER_TYPES and header.size > _LONGEST_HEADER:
            raise tarfile.HeaderError(f"a header of {header.size:,} bytes")
        return header


class _Reader(io.RawIOBase):
    """A stream as a file object of which `tarfile` reads any number of bytes."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream
        self._ahead = b""

    def read(self, size: int = -1) -> bytes:
        parts, missing = [], size
        while missing > 0 and (block := self._ahead or self._stream.read()):
            parts.append(block[:missing])
            self._ahead = block[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)


def members_of(source: Source, workspace: Path, tick: Callable[[], None]) -> ZipMembers | TarMembers | None:
    """Returns what reads the members of an archive; None for what is none, or cannot be read."""
    if source.kind is FileKind.ZIP:
        return ZipMembers(source, workspace, tick)
    return TarMembers(source, workspace, tick) if source.kind is FileKind.TAR else None
