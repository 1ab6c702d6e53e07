"""The rank of this process among those that train one model, given by their launcher. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from nmt.errors import ConfigError, Problem


@dataclass(frozen=True)
class ProcessRank:
    """A process among those that train one model."""

    rank: int = 0  # its number; the first process, 0, is the one that reads, writes and reports
    world_size: int = 1  # number of processes
    local_rank: int = 0  # its number among those on its machine, and so that of its CUDA device
    is_elastic: bool = False  # torchrun has started it
    job: str = ""  # torchrun's name of what all of them do, restarted ones too; none where the user gave none
    restarts_left: int = 0  # of those that its launcher makes when a process fails
    shares_store: bool = False  # of the launchers of several machines, which then may not come and go

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Reads the variables that torchrun sets in the environment; without WORLD_SIZE there is one process.

        Raises ConfigError if they do not fit together; it names each.
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
            what = "is not set, though WORLD_SIZE is; use torchrun"
            raise ConfigError.from_problems([Problem(name, what) for name in missing])
        restarts = _restarts_left(environment)
        # Then torchrun (2.13, by default) keeps the address of the first machine for good, and tells nobody new.
        shares = environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        shares_store = restarts > 0 and shares and environment.get("LOCAL_WORLD_SIZE") != values["WORLD_SIZE"]
        run_id = environment.get("TORCHELASTIC_RUN_ID")
        job = "" if run_id is None or run_id == "none" else run_id  # which is torchrun's default, whatever it runs
        return cls(rank, size, local_rank, run_id is not None, job, restarts, shares_store)

    @property
    def is_first(self) -> bool:
        """True if this is the process that validates, writes and reports."""
        return self.rank == 0

    @property
    def is_alone(self) -> bool:
        """True if there is but one process."""
        return self.world_size == 1


def _restarts_left(environment: Mapping[str, str]) -> int:
    """Returns how often torchrun would start the processes again; 0 where it does not say, as other launchers."""
    most, made = (environment.get(f"TORCHELASTIC_{name}", "") for name in ("MAX_RESTARTS", "RESTART_COUNT"))
    return max(0, int(most) - int(made)) if most.isdecimal() and made.isdecimal() else 0
