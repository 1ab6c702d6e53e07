"""The start of every command: logging, threads, and the loading of a model."""

from __future__ import annotations

import gc
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.cli.arguments import ComputeArguments, EnsembleArguments, LoggingArguments
from nmt.cli.logs import logger, start_logging
from nmt.errors import InputFileError
from nmt.libraries import program_version

if TYPE_CHECKING:
    from nmt.translation.translator import Translator

_LOADING_THRESHOLD = 100_000  # objects made since Python last collected garbage
_USUAL_THRESHOLDS = gc.get_threshold()


def start(log: LoggingArguments, compute: ComputeArguments | None = None) -> None:
    """Starts logging, and sets the number of threads.

    Until `end_loading` Python collects garbage seldom. Raises InputFileError if the working directory was deleted.
    """
    start_logging(quiet=log.quiet, verbose=log.verbose)
    _check_working_directory()
    # Loading torch makes half a million objects that stay; looking for garbage among them took an eighth of the time.
    gc.set_threshold(_LOADING_THRESHOLD)
    if log.verbose:
        packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "sentencepiece", "sacrebleu"))
        packages = f"nmt {program_version()}, {packages}"
        logger.debug("%s, Python %s on %s", packages, platform.python_version(), platform.platform())
    if compute is not None:
        set_threads(compute.threads)


def _check_working_directory() -> None:
    try:
        Path.cwd()
    except OSError as error:  # relative paths mean nothing, and torch does not even load
        what = f"is not there any more ({error.strerror}); change to one that is: cd"
        raise InputFileError("the working directory", what) from error


def set_threads(threads: int | None) -> None:
    """Sets the number of threads to compute with, and remarks on too many; None leaves it to torch."""
    remark_on_threads(threads)
    use_threads(threads)


def use_threads(threads: int | None) -> None:
    """Sets the number of threads that torch computes with."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def remark_on_threads(threads: int | None, given: str = "") -> None:
    """Tells that there are fewer processors than threads, which then wait for one another.

    Args:
        threads: of all processes; None if the user did not say.
        given: the options that say so; `--threads` by default.
    """
    if threads is None:
        return
    from nmt.corpus.workers import available_processors

    if threads > (processors := available_processors()):
        of_them = "1 processor" if processors == 1 else f"{processors} processors"
        given = given or f"--threads {threads}"
        logger.info("%s: nmt may use %s here, and is slower with more threads than these", given, of_them)


def end_loading() -> None:
    """Lets Python collect garbage as usual from now on, except for the objects that libraries made when loaded.

    Looking for garbage among them took a twentieth of the time of translating a thousand sentences. What is garbage by
    now stays.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL_THRESHOLDS)


def load_translator(model: Path, compute: ComputeArguments, ensemble: EnsembleArguments | None = None) -> Translator:
    """Loads the translator at MODEL, with those that translate together with it, and ends loading."""
    from nmt.translation.translator import Translator

    others = {} if ensemble is None else ensemble.load_options()
    how = {"device": compute.device, "precision": compute.precision, **others}
    translator = Translator.load(model, **how, warn=logger.warning)
    end_loading()
    return translator
