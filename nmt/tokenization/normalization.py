"""Normalisation rules: what they make of text, and the places of a SentencePiece model that hold them.

A rule folds what is spelled in several ways into one: `ｆｕｌｌ` into `full`, `²` into `2`. That helps on the source
side, where users type as they like. On the target side it is a loss: what the model never sees, it cannot write. So one
model may have two rules. The first is where SentencePiece expects it, and serves the source. The second is in a field
that SentencePiece leaves to others, and passes over: to other programs, our models are SentencePiece models as any.

What is put into a model is appended to it: where a message of Protocol Buffers gives a value twice, the last counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import sentencepiece

from nmt.tokenization.protobuf import encode_field, fields

if TYPE_CHECKING:
    from nmt.config.sections import Normalization

# Field numbers in SentencePiece's `ModelProto`, of which those from 200 are left to others, and `NormalizerSpec`.
_NORMALIZER_SPEC, _TARGET_NORMALIZER_SPEC = 3, 1581
_NAME, _CHARSMAP = 1, 2

# The zero width non-joiner is part of the spelling in Persian and in languages of India. The rules of SentencePiece
# that begin with `nmt` make a space of it, and one word two.
_NON_JOINER = "\u200c"

# Bits of a unit of the trie, and the number of units in a block: children of one unit stand in one block.
_IS_VALUE, _HAS_VALUE, _LABEL, _BLOCK = 1 << 31, 1 << 8, 1 << 31 | 0xFF, 256


class Rule(NamedTuple):
    """A normalisation rule: its name, and the table by which SentencePiece applies it, which may be empty."""

    name: str
    charsmap: bytes

    def spec(self) -> bytes:
        """Returns the rule as SentencePiece's `NormalizerSpec`."""
        return encode_field(_NAME, self.name.encode()) + encode_field(_CHARSMAP, self.charsmap)


@cache
def named_rule(name: Normalization) -> Rule:
    """Returns the rule of a name: SentencePiece's, but that it never drops a zero width non-joiner."""
    builtin = sentencepiece.SentencePieceNormalizer(rule_name=name).serialized_model_proto()
    found = dict(fields(bytes(dict(fields(builtin)).get(_NORMALIZER_SPEC, b""))))
    charsmap = found.get(_CHARSMAP, b"")
    assert isinstance(charsmap, bytes)
    return Rule(name, _unmapped(charsmap, _NON_JOINER) if charsmap else b"")


def folding(rule: Rule) -> Callable[[list[str]], list[str]]:
    """Returns a function that applies a rule to texts; runs of spaces become one, and none is left at the ends."""
    if not rule.charsmap:
        return lambda texts: texts
    normalizer = sentencepiece.SentencePieceNormalizer(
        model_proto=encode_field(_NORMALIZER_SPEC, rule.spec()),
        add_dummy_prefix=False,
        escape_whitespaces=False,
        remove_extra_whitespaces=True,
    )

    def fold(texts: list[str]) -> list[str]:
        folded: list[str] = normalizer.Normalize(texts)
        return folded

    return fold


def with_rules(model: bytes, rule: Rule, target_rule: Rule) -> bytes:
    """Returns a SentencePiece model with the rule of its text and, where that is another, the rule of target text."""
    model += encode_field(_NORMALIZER_SPEC, rule.spec())
    return model if target_rule == rule else model + encode_field(_TARGET_NORMALIZER_SPEC, target_rule.spec())


def for_target(model: bytes) -> bytes | None:
    """Returns a model as it serves target text, if it has a rule for that; None if it has one rule for all text.

    Raises `ValueError` if `model` is not in the wire format.
    """
    specs = [value for number, value in fields(model) if number == _TARGET_NORMALIZER_SPEC]
    return model + encode_field(_NORMALIZER_SPEC, specs[-1]) if specs and isinstance(specs[-1], bytes) else None


def rule_name(model: bytes) -> str:
    """Returns the name of the rule that a SentencePiece model normalises text by; "" if it has none.

    Raises `ValueError` if `model` is not in the wire format.
    """
    name = ""
    for number, spec in fields(model):
        if number == _NORMALIZER_SPEC and isinstance(spec, bytes):
            found = dict(fields(spec)).get(_NAME)
            name = found.decode(errors="replace") if isinstance(found, bytes) else name
    return name


def _unmapped(charsmap: bytes, character: str) -> bytes:
    """Returns a table in which a character stands for itself.

    The table is the length of a trie (4 bytes), the trie, and the replacements, each ended by NUL; the value of a key
    is the place of its replacement. The trie is a double array of darts-clone
    (https://github.com/s-yata/darts-clone): a unit of 32 bits holds its label, a bit that tells whether it has a value,
    and the distance to its children, the first of which is that value. Keys with one value share it, so this key gets
    another, at the end.
    """
    (length,) = struct.unpack_from("<I", charsmap)
    units = list(struct.unpack_from(f"<{length // 4}I", charsmap, 4))
    replacements = charsmap[4 + length :]
    place = _distance(units[0])
    for byte in character.encode():
        found = place ^ byte
        if units[found] & _LABEL != byte:
            return charsmap  # the rule has no such key
        place = found ^ _distance(units[found])
    if not units[found] & _HAS_VALUE:
        return charsmap
    value = len(units)  # a multiple of the size of a block
    assert units[place] & _IS_VALUE and not value % _BLOCK and value < 1 << 21
    units += [_IS_VALUE | len(replacements), *[0] * (_BLOCK - 1)]
    units[found] = (found ^ value) << 10 | _HAS_VALUE | units[found] & 0xFF
    return b"".join((struct.pack(f"<I{len(units)}I", 4 * len(units), *units), replacements, character.encode(), b"\0"))


def _distance(unit: int) -> int:
    return (unit >> 10) << ((unit & 1 << 9) >> 6)
