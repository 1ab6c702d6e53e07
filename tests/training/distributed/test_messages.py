"""One store serves many starts of the processes, and none sees what another left."""

from __future__ import annotations

from datetime import timedelta

import torch.distributed as dist

from nmt.training.distributed.messages import Handshake, Messages


def make_store() -> dist.TCPStore:
    return dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=10))


def test_who_asks_is_answered_by_the_first_of_its_own_start() -> None:
    store = make_store()
    answer = Handshake(store).ask(1, "early")
    assert answer() is None
    before = Handshake(store)
    before.answer(1, "session 1")
    assert answer() == "session 1"
    # Both are gone. Another start finds the nonce, and the answer, of this one.
    later = Handshake(store).ask(1, "late")
    assert later() is None
    now = Handshake(store)
    now.answer(1, "session 2")
    assert (later(), answer()) == ("session 2", "session 1")
    now.answer(1, "session 3")
    assert later() == "session 2", "a nonce is answered once"


def test_a_first_that_comes_before_the_others_waits_for_their_new_nonce() -> None:
    store = make_store()
    Handshake(store).ask(1, "of the start before")
    first = Handshake(store)
    first.answer(1, "session")
    answer = Handshake(store).ask(1, "new")
    first.answer(1, "session")
    assert answer() == "session"


def test_messages_of_one_session_are_not_those_of_another() -> None:
    store = make_store()
    one, other = Messages(store, "1"), Messages(store, "2")
    one.publish("dismissed", 2)
    assert (one.look_up("dismissed"), other.look_up("dismissed")) == (2, None)
