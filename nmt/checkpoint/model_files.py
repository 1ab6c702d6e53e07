"""The configuration and the tokenizers of a checkpoint or an exported model, as its files have them."""

from __future__ import annotations

from pathlib import Path

from nmt.checkpoint import layout
from nmt.checkpoint.manifest import Manifest, read_file
from nmt.checkpoint.tokenizer_folder import tokenizers_from_files
from nmt.config import Config, from_yaml
from nmt.errors import ConfigError, ModelError
from nmt.tokenization.tokenizers import Tokenizers


def read_config_and_tokenizers(directory: Path, manifest: Manifest) -> tuple[Config, Tokenizers]:
    """Reads what a model directory holds beside its weights.

    Raises ModelError if a file is missing, damaged or tampered with, or does not fit the others.
    """
    config_yaml = read_config(directory, manifest)
    models = read_tokenizer_models(directory, manifest)
    try:
        config = from_yaml(config_yaml, str(directory / layout.CONFIG))
    except ConfigError as error:
        raise ModelError.from_problems(error.problems) from error
    if config.tokenizer.shared is not (layout.SHARED_TOKENIZER in models):
        found = ", ".join(sorted(models))
        what = f"tokenizer.shared is {str(config.tokenizer.shared).lower()}, which does not fit {found}"
        raise ModelError(str(directory / layout.CONFIG), what)
    return config, tokenizers_from_files(models, directory)


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
