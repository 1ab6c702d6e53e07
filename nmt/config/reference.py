"""The reference of all keys: for suggestions, for messages, and as documentation."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, get_args, get_type_hints

from nmt.config import yaml12
from nmt.config.configuration import Config
from nmt.config.section import Section
from nmt.config.types import expectation


class Key(NamedTuple):
    """A key of the configuration."""

    path: tuple[str, ...]  # names of its sections and its own
    expected: str  # its values, in words
    section: type[Section] | None  # the section that it stands for; None for a value
    required: bool  # True without a default
    default: object  # the value where it is not written
    meaning: str  # its description

    @property
    def dotted(self) -> str:
        """The path as it is written: `model.encoder.layers`."""
        return ".".join(self.path)


def all_keys(section: type[Section] = Config, above: tuple[str, ...] = ()) -> Iterator[Key]:
    """Yields every key, sections before their keys, in the order of the documentation."""
    annotations = get_type_hints(section, include_extras=True)
    for name, field in section.model_fields.items():
        inner = _section_of(annotations[name])
        path = (*above, name)
        meaning = field.description or ""
        yield Key(path, expectation(annotations[name]), inner, field.is_required(), field.default, meaning)
        if inner is not None:
            yield from all_keys(inner, path)


def _section_of(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(_section_of, get_args(annotation))), None)


def suggestion(path: Sequence[str]) -> str:
    """Returns the known key that an unknown one was probably meant to be, dotted if in another section; else ""."""
    *above, name = path
    name = name.replace("-", "_").lower()
    known = list(all_keys())
    beside = [key.path[-1] for key in known if key.path[:-1] == tuple(above)]
    if name in beside:
        return name
    elsewhere = [key.dotted for key in known if key.path[-1] == name]
    if elsewhere:
        return " or ".join(elsewhere[:3])
    return next(iter(difflib.get_close_matches(name, beside, n=1)), "")


def as_documentation() -> str:
    """Writes a Markdown table of every key."""
    rows = ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key in all_keys():
        if key.section is None or key.default is None:
            default = "required" if key.required else f"`{yaml12.flow(key.default)}`"
            rows.append(f"| `{key.dotted}` | {key.expected} | {default} | {key.meaning} |")
    return "\n".join(rows) + "\n"
