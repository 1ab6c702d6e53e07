"""The quick start of `nmt translate`: few lines are translated without torch, which takes longest to load."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nmt.cli.arguments import ComputeArguments
from nmt.cli.logs import logger
from nmt.cli.startup import end_loading, load_translator, remark_on_threads, use_threads
from nmt.errors import NmtError

if TYPE_CHECKING:
    from nmt.light.translator import LightTranslator
    from nmt.tokenization.tokenizers import Tokenizers
    from nmt.translation.options import TranslateOptions
    from nmt.translation.result import Translation
    from nmt.translation.translator import Translator

MOST_LINES = 4
"""Maximum number of lines that are translated without torch at once; more are faster with it."""

_LARGEST_FILE = 1 << 10  # bytes
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


class QuickTranslator:
    """A translator that loads torch when it is given more than a few lines, or what is not the usual search."""

    def __init__(self, light: LightTranslator, load: Callable[[], Translator]) -> None:
        """`load` loads the translator that uses torch."""
        self._translator: LightTranslator | Translator = light
        self._load = load

    @property
    def tokenizers(self) -> Tokenizers:
        """Those of the model."""
        return self._translator.tokenizers

    @property
    def has_attention(self) -> bool:
        """True if the model has attention."""
        return self._translator.has_attention

    def options(self, **given: Any) -> TranslateOptions:
        """Returns the options of a translation, as `Translator.options` does."""
        from nmt.light.translator import LightTranslator

        options = self._translator.options(**given)
        return options if LightTranslator.can(options) else self._whole().options(**given)

    def translate(
        self, lines: Sequence[str], options: TranslateOptions, *, numbers: Sequence[int], **texts: Any
    ) -> list[Translation]:
        """Translates lines; arguments and errors are those of `Translator.translate`."""
        from nmt.light.translator import LightTranslator

        light = self._translator
        if isinstance(light, LightTranslator) and len(lines) <= MOST_LINES and not any(texts.values()):
            try:
                return light.translate(lines, options, numbers=numbers)
            except NmtError as error:  # which the other translator tells in its own words
                logger.debug("not without torch: %s", error)
        return self._whole().translate(lines, options, numbers=numbers, **texts)

    def _whole(self) -> Translator:
        from nmt.light.translator import LightTranslator

        if isinstance(self._translator, LightTranslator):
            self._translator = self._load()
        return self._translator


def may_start_quickly(compute: ComputeArguments, input_file: str | None) -> bool:
    """Returns whether a translation may begin without torch: on the CPU, in float32, and not of a long file."""
    if compute.device not in ("auto", "cpu") or compute.precision not in ("auto", "fp32"):
        return False
    if compute.device == "auto" and any(map(os.path.exists, _GPU_DEVICES)):
        return False
    try:
        return input_file in (None, "-") or Path(str(input_file)).stat().st_size <= _LARGEST_FILE
    except (OSError, ValueError):
        return False


def load_quickly(model: Path, compute: ComputeArguments) -> QuickTranslator | Translator:
    """Loads the translator at MODEL without torch; with it where that fails, which tells why."""
    remark_on_threads(compute.threads)

    def load() -> Translator:
        use_threads(compute.threads)
        return load_translator(model, compute)

    translator = _quick_translator(model, load)
    return load() if translator is None else translator


def _quick_translator(model: Path, load: Callable[[], Translator]) -> QuickTranslator | None:
    # Read by NumPy when it is loaded: for products of a few rows, threads are in each other's way.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from nmt.light.translator import LightTranslator

    try:
        light = LightTranslator.load(model)
    except NmtError as error:
        logger.debug("not without torch: %s", error)
        return None
    end_loading()
    logger.debug("device: cpu, in float32, without torch as long as lines are few")
    return None if light is None else QuickTranslator(light, load)
