"""Where log records go: standard error, and the log file of a run."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from nmt.errors import StorageError

logger = logging.getLogger("nmt")


class _Console(logging.Handler):
    """Writes to standard error, above a progress bar where one stands."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "to_file_only", False) or sys.stderr is None:
            return
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            text = f"nmt: {record.levelname.lower()}: {text}"
        # A reader that went away, as in `nmt train … 2>&1 | head`, must not end a training; the log file has it all.
        with suppress(BrokenPipeError):
            tqdm.write(text, file=sys.stderr)
            sys.stderr.flush()


class _LogFile(logging.FileHandler):
    """Writes to a file; where that fails, as on a full disk, it says so once and the program goes on."""

    _told = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 (the name is logging's)
        if not self._told and sys.stderr is not None:
            self._told = True
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
    """Sends records to the end of a file, too.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        handler = _LogFile(path, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(str(path), f"cannot be written: {error.strerror}") from error
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
