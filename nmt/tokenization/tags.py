"""Tags: tokens put before a source sentence, such as `<bt>` of back-translated text or `<2fr>` of a target language.

In a SentencePiece model a tag is a control symbol. Such a piece is never made of text, whatever a user types, and has
no text itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from nmt.errors import ConfigError
from nmt.tokenization.protobuf import encode_field, encode_number, fields

# Field numbers in SentencePiece's `ModelProto` and `SentencePiece`; the types of a control symbol, and of the unknown
# piece and bytes.
_PIECES, _PIECE, _TYPE, _CONTROL = 1, 1, 3, 3
_NEEDED = (2, 6)


def with_tags(model: bytes, tags: Iterable[str]) -> bytes:
    """Returns a SentencePiece model that has these tags; the same bytes if it has them already.

    New ones are behind its own pieces, so that these keep their ids. A piece that is spelled like a tag, and was text,
    becomes the tag: text of that spelling is then made of other pieces.

    Raises ConfigError if such a piece is the model's unknown one or a byte, which it cannot do without.
    """
    missing = dict.fromkeys(tag.encode() for tag in tags)
    found = []
    for number, value in fields(model):
        assert isinstance(value, bytes), "a model holds nothing but messages"
        piece = dict(fields(value)) if number == _PIECES and missing else {}
        spelling = piece.get(_PIECE)
        if isinstance(spelling, bytes) and spelling in missing:
            del missing[spelling]
            if piece.get(_TYPE) in _NEEDED:
                what = f"{spelling.decode()} is a piece that this tokenizer needs for itself: expected another name"
                raise ConfigError("data.train.tag", what)
            if piece.get(_TYPE) != _CONTROL:
                value += encode_number(_TYPE, _CONTROL)  # of two values, the last counts
        found.append(encode_field(number, value))
    new = [encode_field(_PIECES, encode_field(_PIECE, tag) + encode_number(_TYPE, _CONTROL)) for tag in missing]
    return b"".join(found + new)
