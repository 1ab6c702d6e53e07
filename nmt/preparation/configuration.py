"""The configuration that trains on what was prepared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from nmt.config import from_yaml
from nmt.config.types import LONGEST_NAME
from nmt.preparation.report import PreparationReport

_LONGEST_PATIENCE = 10  # validations in a training


class ConfiguredFiles(NamedTuple):
    """The name of a configuration and the files of its sets."""

    name: str
    languages: tuple[str, str]
    train: tuple[str, str]
    validation: tuple[str, str]
    test: tuple[str, str] | None

    @classmethod
    def in_folder(cls, folder: Path, languages: tuple[str, str], *, with_test: bool) -> ConfiguredFiles:
        """Names the files of a folder as they will be named from where the command runs."""

        def named(name: str) -> tuple[str, str]:
            return str(folder / f"{name}.{languages[0]}"), str(folder / f"{name}.{languages[1]}")

        test = named("test") if with_test else None
        return cls(valid_name(folder, languages), languages, named("train"), named("validation"), test)


def valid_name(folder: Path, languages: tuple[str, str]) -> str:
    """Makes the name of a run of the name of a folder."""
    name = "".join(character for character in folder.absolute().name if character.isprintable() and character != "\\")
    name = name.encode(errors="ignore")[:LONGEST_NAME].decode(errors="ignore").strip()
    return name if name not in ("", ".", "..") else "-".join(languages)


def write_configuration(path: Path, files: ConfiguredFiles, report: PreparationReport, minutes: float | None) -> None:
    """Writes a configuration for the files; `minutes` is the time that its training should take, None for any.

    Raises OSError if it cannot be written.
    """
    text = _text(files, report, minutes)
    from_yaml(text, str(path))  # what is written is valid
    path.write_text(text, encoding="utf-8")


def _text(files: ConfiguredFiles, report: PreparationReport, minutes: float | None) -> str:
    pairs = report.training
    vocabulary = 8000 if pairs >= 100_000 else 4000 if pairs >= 15_000 else 2000
    steps = max(500, min(20_000, pairs // 10))
    test = f"\n  test:       {_files(files.test)}" if files.test else ""
    return f"""\
# Made by `nmt prepare` for {pairs:,} training pairs. Paths are relative to the folder where `nmt` runs.
name: {_quoted(files.name)}
seed: {report.seed}

data:
  source_language: {_quoted(files.languages[0])}
  target_language: {_quoted(files.languages[1])}
  train:      {_files(files.train)}
  validation: {_files(files.validation)}{test}

tokenizer:
  vocabulary_size: {vocabulary}

model:
  attention_size: 256
  embedding_size: 256
  readout_size: 256
  encoder: {{hidden_size: 256}}
  decoder: {{hidden_size: 256, conditional: true}}
  dropout: 0.3

training:
  batch_tokens: 2048
  max_epochs: null
  max_steps: {steps}
  max_minutes: {"null" if minutes is None else minutes}
  learning_rate: 3.0e-3
  schedule: cosine
  warmup_steps: {min(400, steps // 5)}
  average_decay: 0.998
  validate_every: {max(50, steps // _LONGEST_PATIENCE)}
  patience: null
"""


def _files(paths: tuple[str, str] | None) -> str:
    assert paths is not None
    return f"{{source: {_quoted(paths[0])}, target: {_quoted(paths[1])}}}"


def _quoted(text: str) -> str:
    """Quotes a text for YAML, of whose strings those of JSON are some."""
    return json.dumps(text, ensure_ascii=False)
