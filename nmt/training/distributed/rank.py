"""Which of several processes this one is, as their launcher says. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from nmt.errors import ConfigError, Problem

if TYPE_CHECKING:
    from nmt.training.distributed.process_group import Processes


@dataclass(frozen=True)
class Place:
    """One process among those that train one model.

    Attributes:
        rank: its number, from 0; the first process, 0, is the one that reads, writes and talks.
        size: how many there are.
        local_rank: its number among those on its machine, and so that of its CUDA device.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """The place that torchrun tells in the environment; that of the only process where WORLD_SIZE is not set.

        Raises:
            ConfigError: what is set does not fit together; it names each variable.
        """
        if "WORLD_SIZE" not in environment:
            return cls()
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        values = {name: environment.get(name, "") for name in names}
        problems = [
            Problem(name, f"is {value!r:.40}; expected a number, as torchrun sets it")
            for name, value in values.items()
            if not (value.isascii() and value.isdigit() and len(value) < 8)
        ]
        if problems:
            raise ConfigError.from_problems(problems)
        rank, size, local_rank = (int(values[name]) for name in names)
        if rank >= size:
            raise ConfigError("RANK", f"is {rank}; expected less than WORLD_SIZE, {size}")
        missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in environment]
        if size > 1 and missing:
            raise ConfigError.from_problems(
                [Problem(name, "is not set, though WORLD_SIZE is; use torchrun") for name in missing]
            )
        return cls(rank, size, local_rank)


class Launch:
    """The processes that were started together, which this one joins when it first asks for them."""

    def __init__(self, place: Place | None = None) -> None:
        """`place` is that of this process; it is the only one by default."""
        self.place = place or Place()

    @cached_property
    def processes(self) -> Processes:
        """All of them, as seen from here; raises ConfigError where they cannot be reached."""
        from nmt.training.distributed.process_group import Processes

        return Processes(self.place)
