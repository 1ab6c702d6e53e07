"""The model of a job, which each of its processes loads for itself, and which must be the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nmt.errors import ModelError

if TYPE_CHECKING:
    from nmt.config.types import Averaged
    from nmt.translation.translator import Translator


@dataclass(frozen=True)
class ModelSource:
    """Where a model is, and how it is loaded.

    Attributes:
        directories: of the model, and of those that translate together with it.
        device: auto, cpu or cuda.
        precision: auto, fp32, bf16 or int8.
        averaged: what several models average.
        threads: of the processor to compute with; None leaves it to torch.
        identity: the SHA-256 of the model; empty for whichever is there.
    """

    directories: tuple[Path, ...]
    device: str = "auto"
    precision: str = "auto"
    averaged: Averaged = "probabilities"
    threads: int | None = 1
    identity: str = ""

    def load(self) -> Translator:
        """Loads the model, and sets the number of threads.

        Raises:
            ModelError: it cannot be loaded, or another model is there by now.
            DeviceError: there is no such device.
        """
        import torch

        from nmt.translation.translator import Translator

        if self.threads is not None and self.threads != torch.get_num_threads():
            torch.set_num_threads(self.threads)
        first, *others = self.directories
        translator = Translator.load(
            first, device=self.device, precision=self.precision, ensemble=others, ensemble_average=self.averaged
        )
        if self.identity not in ("", translator.identity):
            names = " or ".join(map(str, self.directories))
            raise ModelError(names, "holds another model here than where the job was begun")
        return translator
