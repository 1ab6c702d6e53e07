"""A recipe: keys of a configuration with their values, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import NamedTuple

from nmt.config import yaml12

_COLUMNS = 100  # of a comment


class CorpusSize(NamedTuple):
    """The size of a training corpus, as far as a recipe depends on it."""

    pairs: int
    target_tokens: float  # of a pair, end mark included, on average
    longest: int  # tokens of a side that only one pair in a thousand exceeds


class Setting(NamedTuple):
    """A key of a section of the configuration, its value (a mapping for a part of the section), and the reason for it.

    The reason is empty where the setting before it has told it.
    """

    key: str
    value: object
    reason: str

    @property
    def override(self) -> str:
        """The setting as `--set` takes it."""
        return f"{self.key}={yaml12.flow(self.value)}"


@dataclass(frozen=True)
class Recipe:
    """Settings for a corpus and a time, with what is expected of them."""

    settings: tuple[Setting, ...]
    network: str  # the name of its size
    minutes: float  # of training that are used, at most those that one has
    updates: int  # that these hold, about
    epochs: float  # passes over the corpus that these hold, about

    def overrides(self) -> list[str]:
        """Returns `KEY=VALUE` for each setting."""
        return [setting.override for setting in self.settings]

    def configuration(self, run: Mapping[str, object], data: Mapping[str, object], remarks: Sequence[str]) -> str:
        """Writes the configuration of a run with these settings; see `configuration_text`."""
        return configuration_text(self.settings, run, data, remarks)


def configuration_text(
    settings: Sequence[Setting], run: Mapping[str, object], data: Mapping[str, object], remarks: Sequence[str] = ()
) -> str:
    """Writes the configuration of a run, a comment for each choice.

    Args:
        settings: in the order of the sections.
        run: the keys of no section, as `name` and `seed`.
        data: the section `data` as nested mappings, to which settings add what they choose there.
        remarks: paragraphs at the top.
    """
    sections: dict[str, list[Setting]] = {}
    for setting in settings:
        sections.setdefault(setting.key.partition(".")[0], []).append(setting)
    blocks = [
        "\n".join([*(_comment(remark, "") for remark in remarks), yaml12.write(dict(run)).rstrip("\n")]),
        "\n".join(["data:", *map(_entry, [*_plain("data", data), *sections.pop("data", [])])]),
    ]
    for section, of_section in sections.items():
        blocks.append("\n".join([f"{section}:", *map(_entry, of_section)]))
    return "\n\n".join(blocks) + "\n"


def _plain(section: str, values: Mapping[str, object]) -> list[Setting]:
    return [Setting(f"{section}.{name}", value, "") for name, value in values.items()]


def _entry(setting: Setting) -> str:
    """Writes a setting below its section, on a line of its own, its reason above it."""
    line = f"  {setting.key.partition('.')[2]}: {yaml12.flow(setting.value)}"
    return f"{_comment(setting.reason, '  ')}\n{line}" if setting.reason else line


def _comment(text: str, indentation: str) -> str:
    return "\n".join(f"{indentation}# {line}" for line in wrap(text, _COLUMNS, break_on_hyphens=False))
