"""The part of Protocol Buffers' wire format that SentencePiece uses.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED_64, _LENGTH_PREFIXED, _FIXED_32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields the fields of a message as (number, value), in order: an `int` for a varint, `bytes` for all others.

    Raises `ValueError` if `message` is not in the wire format.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire_type = key & 7
        if wire_type == _VARINT:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if wire_type == _LENGTH_PREFIXED:
            length, place = _varint(message, place)
        elif wire_type in (_FIXED_32, _FIXED_64):
            length = 4 if wire_type == _FIXED_32 else 8
        else:
            raise ValueError(f"wire type {wire_type} at byte {place}")
        if place + length > len(message):
            raise ValueError(f"field of {length} bytes at byte {place} of {len(message)}")
        yield key >> 3, message[place : place + length]
        place += length


def encode_field(number: int, value: bytes) -> bytes:
    """Returns a field that holds bytes: text, or a message."""
    return _encode_varint(number << 3 | _LENGTH_PREFIXED) + _encode_varint(len(value)) + value


def encode_number(number: int, value: int) -> bytes:
    """Returns a field that holds a whole number of at least 0."""
    return _encode_varint(number << 3 | _VARINT) + _encode_varint(value)


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Returns the number that starts at `place` (seven bits a byte, lowest first), and the place after it."""
    number = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
    raise ValueError(f"number cut short at byte {place}")
