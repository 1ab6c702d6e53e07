"""Training jobs for tests of what a job is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from nmt.config import Config, from_yaml
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.job import TrainingJob
from nmt.training.signals import StopRequest

CONFIGURATION = """\
data:
  source_language: xx
  target_language: yy
  train: {source: a, target: b}
  validation: {source: a, target: b}
"""
ON_CPU = DeviceStrategy(torch.device("cpu"))


def make_job(strategy: DeviceStrategy = ON_CPU, group: ProcessGroup | None = None, **training: Any) -> TrainingJob:
    """Makes a job in float32 with some keys of the section `training`; `group` is this process alone by default."""
    config: Config = from_yaml(CONFIGURATION, "configuration")
    config = config.model_copy(update={"training": config.training.model_copy(update=training)})
    group = group or ProcessGroup()
    return TrainingJob(Path("run"), config, strategy, torch.float32, group, StopRequest())
