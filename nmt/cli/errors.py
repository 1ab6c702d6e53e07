"""Reports of errors on standard error and in the log file, with their exit codes."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import traceback
from pathlib import Path

from nmt.cli.logs import logger, with_bytes_shown
from nmt.errors import MemoryExhaustedError, NmtError, StorageError
from nmt.io.lines import output_line

FAULT = 70
"""Exit code of a fault of this program."""


def report(error: NmtError) -> int:
    """Reports each problem of an error, and returns its exit code."""
    for problem in error.problems:
        _write(str(problem))
    return error.exit_code


def report_unexpected(error: Exception) -> int:
    """Reports an error that is no `NmtError`: a limit of the machine by its name, any other as a fault of the program.
    Returns the exit code."""
    if _is_out_of_memory(error):
        logger.debug("%s", traceback.format_exc())
        _write("out of memory")
        return MemoryExhaustedError.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _write(f"{error.filename or 'standard output'}: {error.strerror}")
        return StorageError.exit_code
    _write(f"a fault in nmt; {_reported_traceback(traceback.format_exc())}")
    return FAULT


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if "torch" not in sys.modules:
        return False
    from nmt.device import is_out_of_memory

    return is_out_of_memory(error)


def _write(text: str) -> None:
    line = f"nmt: error: {output_line(with_bytes_shown(text))}"
    if sys.stderr is not None:
        sys.stderr.write(line + "\n")
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            record = {"name": "nmt", "levelno": logging.ERROR, "levelname": "ERROR", "msg": line}
            handler.handle(logging.makeLogRecord(record))


def _reported_traceback(text: str) -> str:
    """Writes a traceback to a log file or, with --verbose, to standard error, and returns where it is, in words."""
    files = [handler for handler in logger.handlers if isinstance(handler, logging.FileHandler)]
    if any(handler.level <= logging.DEBUG for handler in logger.handlers if handler not in files):
        if sys.stderr is not None:
            sys.stderr.write(text)
        return "its traceback stands above"
    if files:
        logger.error("a fault in nmt\n%s", text, extra={"to_file_only": True})
        return f"its traceback is in {Path(files[0].baseFilename)}"
    try:
        descriptor, name = tempfile.mkstemp(prefix="nmt-", suffix=".log")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:  # no directory for temporary files, or a full disk
        return f"its traceback could not be written, {error.strerror}; --verbose shows it"
    return f"its traceback is in {name}"
