"""Messages among the processes of one training, in JSON, through the key-value store of their launcher."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import PrefixStore, Store

from nmt.errors import ConfigError, NmtError
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import SECONDS_TO_CONNECT


def connect(process: ProcessRank) -> Store:
    """Connects to the store of the processes.

    Raises:
        ConfigError: there is none where the environment says.
        NmtError: there is none where a launcher said: the machine that has it is gone.
    """
    from torch.distributed.rendezvous import rendezvous  # not in every build of torch

    try:
        store, *_ = next(rendezvous("env://", timeout=timedelta(seconds=SECONDS_TO_CONNECT)))
    except (RuntimeError, ValueError) as error:
        kind = NmtError if process.is_elastic else ConfigError
        raise kind("MASTER_ADDR, MASTER_PORT", f"the other processes cannot be reached there: {error}") from error
    assert isinstance(store, Store)
    return store


class Messages:
    """The messages of one start of the processes: what an earlier one left in the same store is not seen."""

    def __init__(self, store: Store, session: str) -> None:
        """Takes the store, and the name of the session, which the first process makes up."""
        self.store = PrefixStore(f"nmt/{session}", store)

    def publish(self, key: str, value: Any) -> None:
        """Sets what all can look up; not None, which means that there is nothing."""
        assert value is not None
        self.store.set(key, json.dumps(value))

    def look_up(self, key: str) -> Any:
        """Returns what was published; None if nothing was yet."""
        return json.loads(self.store.get(key)) if self.store.check([key]) else None


class Handshake:
    """How the other processes learn the name of the session of the first.

    Torchrun may keep one store for all starts of the processes. So each that comes publishes a nonce, and waits for an
    answer to that: who answers is the first process of the same start.
    """

    def __init__(self, store: Store) -> None:
        self._messages = Messages(store, "handshake")
        self._answered: dict[int, str] = {}

    def ask(self, rank: int, nonce: str) -> Callable[[], str | None]:
        """Publishes a nonce; returns what looks for the answer, the name of the session."""
        self._messages.publish(str(rank), nonce)
        return lambda: self._messages.look_up(nonce)

    def answer(self, rank: int, session: str) -> None:
        """Answers that process, if it has published a nonce that is new."""
        nonce = self._messages.look_up(str(rank))
        if nonce is not None and self._answered.get(rank) != nonce:
            self._messages.publish(nonce, session)
            self._answered[rank] = nonce
