"""A training job: the run, its configuration, and where and by whom it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from nmt.config import Config
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.signals import StopRequest


@dataclass(frozen=True)
class TrainingJob:
    """The values that stay the same while a model is trained."""

    run: Path  # the run directory
    config: Config
    strategy: DeviceStrategy
    dtype: torch.dtype  # of matrix products
    group: ProcessGroup  # the processes that train together; one in most cases
    stop: StopRequest
    quiet: bool = True  # shows no progress bar
    check_owned: Callable[[], None] = lambda: None  # raises RunInUseError once another process owns the run directory

    @property
    def device(self) -> torch.device:
        """The device that computes."""
        return self.strategy.device

    @property
    def writes(self) -> bool:
        """True if this process validates, saves and logs: the first of several."""
        return self.group.is_first
