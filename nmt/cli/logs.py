"""Log records on standard error and in the log file of a run."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from nmt.errors import StorageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

logger = logging.getLogger("nmt")

_STANDARD_ERROR = 2


class _LossyFile(io.FileIO):
    """A file that drops what cannot be written."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def protect_standard_error() -> None:
    """Makes standard error UTF-8, and lets it be full, closed or unread.

    A reader that went away, as in `nmt train … 2>&1 | head`, must neither end a training nor change an exit code,
    whoever writes: this program, Typer, a progress bar or Python itself.
    """
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _lossy_stream(sys.stderr.fileno())


def _lossy_stream(descriptor: int) -> io.TextIOWrapper:
    raw = _LossyFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Keeps what libraries write to standard output, and past Python to standard error, from being seen there."""
    own, before = os.dup(_STANDARD_ERROR), sys.stderr
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        try:
            if isinstance(before, io.TextIOWrapper) and _descriptor_of(before) == _STANDARD_ERROR:
                sys.stderr = _lossy_stream(own)
            os.dup2(nowhere.fileno(), _STANDARD_ERROR)
            yield
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(own, _STANDARD_ERROR)
            sys.stderr = before
            os.close(own)


def _descriptor_of(stream: io.TextIOWrapper) -> int | None:
    try:
        return stream.fileno()
    except OSError:  # in memory
        return None


class _Console(logging.Handler):
    """Writes records to standard error, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "to_file_only", False) or sys.stderr is None:
            return
        text = with_bytes_shown(record.getMessage())
        if record.levelno >= logging.WARNING:
            text = f"nmt: {record.levelname.lower()}: {text}"
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()


def with_bytes_shown(text: str) -> str:
    """Returns a message with what Python could not decode of a path by the locale: as UTF-8, else as `\\xff`."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # another surrogate, which no path has
        return text


class _LogFile(logging.FileHandler):
    """Writes records to a file; where that fails, as on a full disk, it warns once and the program goes on."""

    _has_warned = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 (the name is logging's)
        if not self._has_warned and sys.stderr is not None:
            self._has_warned = True
            sys.stderr.write(f"nmt: warning: {self.baseFilename}: cannot be written: {sys.exc_info()[1]}\n")


def start_logging(*, quiet: bool = False, verbose: bool = False) -> None:
    """Sends records to standard error: warnings only when `quiet`, everything when `verbose`."""
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    console = _Console()
    console.setLevel(logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO)
    logger.addHandler(console)


def log_to_file(path: Path) -> None:
    """Appends records to a file, too.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        handler = _LogFile(path, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
