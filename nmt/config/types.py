"""Types of values, each with its description in errors and in the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field

from nmt.io.home import at_home

# Numbers beyond 32 bits are mistakes, and would overflow further down.
LARGEST = 2**31 - 1
# The filesystem's limit on a name is 255 bytes; the rest is for suffixes.
LONGEST_NAME = 200
# A tag is told from a word by its form. The marks of a vocabulary and its bytes are spelled alike, and are no tags.
_TAG = re.compile(r"<[^<>\s▁]{1,60}>")
_NO_TAGS = re.compile(r"</?s>|<pad>|<unk>|<0x[0-9A-Fa-f]{2}>")


@dataclass(frozen=True)
class Expected:
    """The description of a value, in words that follow "expected"."""

    wording: str


def _whole(value: object) -> object:
    # `4e3` is a float by YAML's schema, and a whole number to its author.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_name(name: str) -> str:
    fits = name.isprintable() and len(name.encode()) <= LONGEST_NAME
    if not fits or name != name.strip() or name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ValueError("not a directory name")
    return name


def _check_language(language: str) -> str:
    if not language.isprintable() or not language or any(c.isspace() or c in "/\\" for c in language):
        raise ValueError("not a language code")
    return language


def _check_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag) or _NO_TAGS.fullmatch(tag) or not tag.isprintable():
        raise ValueError("not a tag")
    return tag


def as_items(value: object) -> object:
    """Returns what stands alone, a text or a mapping, as the only item of a list, which it is short for."""
    return (value,) if isinstance(value, str | dict) else value


def _check_path(path: str) -> str:
    if not path or any(c < " " or c == "\x7f" for c in path):
        raise ValueError("not a path")
    return at_home(path)


_Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
_Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]

Switch = Annotated[bool, Field(strict=True), Expected("true or false")]
Seed = Annotated[_Whole, Field(ge=0, le=2**63 - 1), Expected("a whole number of at least 0")]
Natural = Annotated[_Whole, Field(ge=0, le=LARGEST), Expected("a whole number of at least 0")]
Count = Annotated[_Whole, Field(ge=1, le=LARGEST), Expected("a whole number of at least 1")]
VocabularySize = Annotated[_Whole, Field(ge=8, le=1_000_000), Expected("a whole number from 8 to 1000000")]
# The sizes of a model. Within these limits its size in bytes is always a number that fits, and the configuration of a
# stranger's model cannot keep the program busy.
Size = Annotated[_Whole, Field(ge=1, le=1_000_000), Expected("a whole number from 1 to 1000000")]
Layers = Annotated[_Whole, Field(ge=1, le=64), Expected("a whole number from 1 to 64")]
Parts = Annotated[_Whole, Field(ge=1, le=65_536), Expected("a whole number from 1 to 65536")]
BeamWidth = Annotated[_Whole, Field(ge=1, le=1000), Expected("a whole number from 1 to 1000")]
Candidates = Annotated[_Whole, Field(ge=0, le=1000), Expected("a whole number from 0 to 1000")]
Positive = Annotated[_Real, Field(gt=0), Expected("a number above 0")]
NonNegative = Annotated[_Real, Field(ge=0), Expected("a number of at least 0")]
# The longest translation, a `Size`, to this power is still a number in float32.
Exponent = Annotated[_Real, Field(ge=0, le=5), Expected("a number from 0 to 5")]
Weight = Annotated[_Real, Field(ge=0, le=1000), Expected("a number from 0 to 1000")]
Factor = Annotated[_Real, Field(gt=0, le=1000), Expected("a number above 0, at most 1000")]
Ratio = Annotated[_Real, Field(gt=1, le=1000), Expected("a number above 1, at most 1000")]
Fraction = Annotated[_Real, Field(ge=0, lt=1), Expected("a number from 0 to below 1")]
OpenFraction = Annotated[_Real, Field(gt=0, lt=1), Expected("a number between 0 and 1")]
Coverage = Annotated[_Real, Field(gt=0.9, le=1), Expected("a number above 0.9, at most 1")]
Betas = Annotated[tuple[Fraction, Fraction], Expected("a list of two numbers from 0 to below 1")]
Name = Annotated[str, Field(strict=True), AfterValidator(_check_name), Expected("the name of a directory")]
Language = Annotated[str, Field(strict=True), AfterValidator(_check_language), Expected("a language code, such as en")]
FilePath = Annotated[str, Field(strict=True), AfterValidator(_check_path), Expected("a path")]
FilePaths = Annotated[
    tuple[FilePath, ...], BeforeValidator(as_items), Field(min_length=1), Expected("a path or a list of paths")
]
_Column = Annotated[_Whole, Field(ge=1, le=65_536)]
Columns = Annotated[tuple[_Column, _Column], Expected("a list of two numbers of columns, counted from 1")]
Tag = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_check_tag),
    Expected("a tag in angle brackets, such as <bt> (but no mark of the vocabulary, such as <s>)"),
]
Freezable = Literal["embeddings", "encoder", "attention", "decoder"]
FrozenParts = Annotated[
    tuple[Freezable, ...], BeforeValidator(as_items), Expected(f"a list of {', '.join(get_args(Freezable))}")
]
Averaged = Literal["probabilities", "log-probabilities"]
"""What models of an ensemble average of each token: its probability, or the logarithm of that."""
AVERAGED = get_args(Averaged)
Utility = Literal["chrf", "bleu"]
"""How much a translation is worth against another; see `nmt.translation.utility`."""
UTILITIES = get_args(Utility)


def expectation(annotation: Any) -> str:
    """Describes the values of a key with this annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        for note in annotation.__metadata__:
            if isinstance(note, Expected):
                return note.wording
    if origin is Literal:
        return f"one of {', '.join(get_args(annotation))}"
    if origin in (Union, UnionType):
        return " or ".join(map(expectation, get_args(annotation)))
    return "null" if annotation is NoneType else "a mapping of keys"
