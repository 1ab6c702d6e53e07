"""The folder in which a run keeps its tokenizers: their models, what they were made from, and their hashes.

Nothing here needs torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from nmt.checkpoint.manifest import TOKENIZER_FILES, TOKENIZER_SETS, read_plain
from nmt.checkpoint.ownership import FINGERPRINT
from nmt.errors import ModelError, Problem
from nmt.io.strict_json import encode_json, parse_json
from nmt.tokenization.tokenizer import Tokenizer


def write_kept(folder: Path, models: Mapping[str, bytes], fingerprint: str) -> None:
    """Writes models by their names, and what they were made from, into an empty folder."""
    for name, model in models.items():
        (folder / name).write_bytes(model)
    (folder / FINGERPRINT).write_bytes(_seal(fingerprint, models))


def read_kept(folder: Path, names: Sequence[str], fingerprint: str) -> dict[str, bytes] | None:
    """The models in a folder, if they are whole and were made from what the fingerprint stands for."""
    try:
        models = {name: (folder / name).read_bytes() for name in names}
        return models if (folder / FINGERPRINT).read_bytes() == _seal(fingerprint, models) else None
    except OSError:  # absent, or not readable: made anew
        return None


def check_kept(folder: Path) -> list[Problem]:
    """Everything that is wrong with the folder, one problem a file."""
    try:
        digests = _read_digests(folder / FINGERPRINT)
    except ModelError as error:
        return list(error.problems)
    problems: list[Problem] = []
    for name in sorted(digests):
        try:
            model = read_plain(folder / name)
            if hashlib.sha256(model).hexdigest() != digests[name]:
                raise ModelError(str(folder / name), f"damaged: its SHA-256 is not the one in {FINGERPRINT}")
            Tokenizer(model, str(folder / name))
        except ModelError as error:
            problems += error.problems
    return problems


def _read_digests(path: Path) -> dict[str, str]:
    """The hash of each model, by its name."""
    document = parse_json(read_plain(path), path)
    digests = document.get("sha256") if isinstance(document, dict) else None
    if not isinstance(digests, dict) or digests.keys() not in TOKENIZER_SETS:
        raise ModelError(str(path), f"damaged: expected the hashes of {', '.join(sorted(TOKENIZER_FILES))}")
    return digests


def _seal(fingerprint: str, models: Mapping[str, bytes]) -> bytes:
    digests = {name: hashlib.sha256(model).hexdigest() for name, model in models.items()}
    return encode_json({"made_from": fingerprint, "sha256": digests})
