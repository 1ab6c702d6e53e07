"""The configuration and the tokenizers of a checkpoint or an exported model, as its files have them."""

from __future__ import annotations

from pathlib import Path

from nmt.checkpoint import layout
from nmt.checkpoint.manifest import Manifest, read_file
from nmt.errors import ModelError


def read_config(directory: Path, manifest: Manifest) -> str:
    """Reads the configuration of a checkpoint or exported model, as YAML; raises ModelError if it is damaged."""
    try:
        return read_file(directory, layout.CONFIG, manifest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(str(directory / layout.CONFIG), f"not UTF-8: {error}") from None


def read_tokenizer_models(directory: Path, manifest: Manifest) -> dict[str, bytes]:
    """Reads the SentencePiece models of one, by the names of their files; raises ModelError if one is damaged."""
    names = sorted(layout.TOKENIZER_FILES & manifest.files.keys())
    return {name: read_file(directory, name, manifest) for name in names}
