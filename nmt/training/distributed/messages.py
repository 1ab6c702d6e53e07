"""Messages among the processes of one training, in JSON, through the key-value store of their launcher."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from torch.distributed.distributed_c10d import PrefixStore, Store

from nmt.errors import ConfigError, NmtError
from nmt.training.distributed.rank import ProcessRank

# To find the store. Where the first process has it, that may first wait for the lock of a machine that is dead.
CONNECTING = timedelta(minutes=5)


def connect(process: ProcessRank) -> Store:
    """Connects to the store of the processes.

    Raises:
        ConfigError: there is none where the environment says.
        NmtError: there is none where a launcher said: the machine that has it is gone.
    """
    from torch.distributed.rendezvous import rendezvous  # not in every build of torch

    try:
        store, *_ = next(rendezvous("env://", timeout=CONNECTING))
    except (RuntimeError, ValueError) as error:
        kind = NmtError if process.job else ConfigError
        raise kind("MASTER_ADDR, MASTER_PORT", f"the other processes cannot be reached there: {error}") from error
    assert isinstance(store, Store)
    return store


class Messages:
    """The messages of one start of the processes: what an earlier one left in the same store is not seen."""

    def __init__(self, store: Store, session: str) -> None:
        """Takes the store, and the name of the session, which the first process makes up."""
        self.store = PrefixStore(f"nmt/{session}", store)

    def publish(self, key: str, value: Any) -> None:
        """Sets what all can look up."""
        self.store.set(key, json.dumps(value))

    def look_up(self, key: str) -> Any:
        """Returns what was published; None if nothing was yet."""
        return json.loads(self.store.get(key)) if self.store.check([key]) else None


class Door:
    """Where the other processes learn the name of the session of the first.

    Torchrun may keep one store for all starts of the processes. So each that comes shows a word of its own, and waits
    for an answer to that: who answers is the first process of the same start.
    """

    def __init__(self, store: Store) -> None:
        self._messages = Messages(store, "door")
        self._answered: dict[int, str] = {}

    def knock(self, rank: int, word: str) -> Callable[[], str | None]:
        """Shows a word; returns what looks for the answer, the name of the session."""
        self._messages.publish(str(rank), word)
        return lambda: self._messages.look_up(word)

    def answer(self, rank: int, session: str) -> None:
        """Answers that process, if it has shown a word that is new."""
        word = self._messages.look_up(str(rank))
        if word is not None and self._answered.get(rank) != word:
            self._messages.publish(word, session)
            self._answered[rank] = word
