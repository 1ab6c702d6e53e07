from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.tokenization.protobuf import fields


def test_each_kind_of_field_is_read():
    message = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d\x01\x02\x03\x04" + b"\x21\x01\x02\x03\x04\x05\x06\x07\x08"
    assert list(fields(message)) == [(1, 150), (2, b"hi"), (3, b"\x01\x02\x03\x04"), (4, bytes(range(1, 9)))]


@pytest.mark.parametrize("message", [b"\x08", b"\x08\x96", b"\x12\x05hi", b"\x1d\x01", b"\x0b"])
def test_a_broken_message_is_an_error(message):
    with pytest.raises(ValueError, match="at byte"):
        list(fields(message))


@given(st.binary())
def test_any_bytes_are_read_or_refused(message):
    with suppress(ValueError):
        assert all(isinstance(value, int | bytes) for _, value in fields(message))
