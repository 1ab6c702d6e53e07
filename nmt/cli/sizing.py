"""Arguments of the commands that choose a recipe: the time one has, and the machine that will train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments
from nmt.cli.startup import remark_on_threads

if TYPE_CHECKING:  # imported where it is used, since it takes long
    from nmt.preparation.right_size import TrialOptions


@dataclass(frozen=True)
class Sizing:
    """The time and the machine of a training."""

    minutes: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1_000_000,
            metavar="M",
            help="Minutes of training; preparation and the last validation come on top.",
        ),
    ] = 5.0
    device: arguments.Device = "auto"
    threads: arguments.Threads = None
    no_trial: Annotated[
        bool, typer.Option("--no-trial", help="Make no updates to learn how fast this machine is; assume a laptop.")
    ] = False

    def machine(self, quiet: bool) -> TrialOptions:
        """Returns how the machine is tried."""
        from nmt.preparation.right_size import TrialOptions

        remark_on_threads(self.threads)
        return TrialOptions(self.device, self.threads, trial=not self.no_trial, quiet=quiet)
