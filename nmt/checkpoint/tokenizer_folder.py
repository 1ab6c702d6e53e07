"""The folder in which a run keeps its tokenizers, with hashes of them and of what they were made from.

Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from nmt.checkpoint.layout import FINGERPRINT, SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER, TOKENIZER_SETS
from nmt.checkpoint.manifest import read_regular_file
from nmt.errors import ModelError, Problem
from nmt.io.strict_json import encode_json, parse_json
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers


def tokenizer_files(tokenizers: Tokenizers) -> dict[str, bytes]:
    """Returns the SentencePiece models of both sides by the names of their files."""
    source, target = tokenizers.models
    return {SHARED_TOKENIZER: source} if target is None else {SOURCE_TOKENIZER: source, TARGET_TOKENIZER: target}


def tokenizers_from_files(models: Mapping[str, bytes], directory: Path) -> Tokenizers:
    """Loads the tokenizers of source and target out of their files' contents; errors name the files in `directory`.

    Raises ModelError if a file is missing or no SentencePiece model.
    """
    if SHARED_TOKENIZER in models:
        name = str(directory / SHARED_TOKENIZER)
        return Tokenizers.from_models(models[SHARED_TOKENIZER], names=(name, name))
    names = SOURCE_TOKENIZER, TARGET_TOKENIZER
    for name in names:
        if name not in models:
            raise ModelError(str(directory / name), "is missing")
    return Tokenizers(*(Tokenizer(models[name], str(directory / name)) for name in names))


def write_tokenizer_folder(folder: Path, models: Mapping[str, bytes], fingerprint: str) -> None:
    """Writes models by their names, and the fingerprint of what they were made from, into an empty folder."""
    for name, model in models.items():
        (folder / name).write_bytes(model)
    (folder / FINGERPRINT).write_bytes(_checksums(fingerprint, models))


def read_tokenizer_folder(folder: Path, names: Sequence[str], fingerprint: str) -> dict[str, bytes] | None:
    """Reads the models in a folder; None unless they are whole and were made from what the fingerprint is of."""
    try:
        models = {name: (folder / name).read_bytes() for name in names}
        return models if (folder / FINGERPRINT).read_bytes() == _checksums(fingerprint, models) else None
    except OSError:  # absent, or not readable: made anew
        return None


def check_tokenizer_folder(folder: Path) -> list[Problem]:
    """Finds everything that is wrong with the folder, one problem a file."""
    try:
        digests = _read_digests(folder / FINGERPRINT)
    except ModelError as error:
        return list(error.problems)
    problems: list[Problem] = []
    for name in sorted(digests):
        try:
            model = read_regular_file(folder / name)
            if hashlib.sha256(model).hexdigest() != digests[name]:
                raise ModelError(str(folder / name), f"damaged: its SHA-256 is not the one in {FINGERPRINT}")
            Tokenizer(model, str(folder / name)).for_target()
        except ModelError as error:
            problems += error.problems
    return problems


def _read_digests(path: Path) -> dict[str, str]:
    """Reads the hash of each model, by its name."""
    document = parse_json(read_regular_file(path), path)
    digests = document.get("sha256") if isinstance(document, dict) else None
    if not isinstance(digests, dict) or digests.keys() not in TOKENIZER_SETS:
        known = SHARED_TOKENIZER, SOURCE_TOKENIZER, TARGET_TOKENIZER
        raise ModelError(str(path), f"damaged: expected the hashes of {', '.join(known)}")
    return digests


def _checksums(fingerprint: str, models: Mapping[str, bytes]) -> bytes:
    digests = {name: hashlib.sha256(model).hexdigest() for name, model in models.items()}
    return encode_json({"made_from": fingerprint, "sha256": digests})
