"""The description of a model, read from its directory without loading its weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from nmt.checkpoint.averaging import AVERAGED
from nmt.checkpoint.checkpoint import INITIALIZED_FROM
from nmt.checkpoint.layout import MANIFEST
from nmt.checkpoint.loading import read_outline
from nmt.config import Config
from nmt.config.sections import BleuTokenizer, Normalization
from nmt.errors import ModelError
from nmt.tokenization.tokenizers import Tokenizers

# Facts that a training writes into the manifest's summary, with their types.
_SUMMARY: dict[str, tuple[type, ...]] = {
    "step": (int,),
    "epoch": (int,),
    "training_seconds": (float,),
    "metric": (str,),
    "best_score": (float, type(None)),
    "best_step": (int,),
}
_METRICS = ("bleu", "chrf", "perplexity")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def describe_model(directory: Path) -> dict[str, Any]:
    """Returns languages, sizes, parameters, scores and the whole configuration of a checkpoint or exported model.

    Raises ModelError if it is damaged, or not a model of this program.
    """
    bundle = read_outline(directory)
    tokenizers, tensors = bundle.tokenizers, bundle.tensors
    config = _as_tokenized(bundle.config, tokenizers)
    return {
        "directory": str(directory),
        "name": config.name,
        "source_language": config.data.source_language,
        "target_language": config.data.target_language,
        "parameters": sum(math.prod(kind.shape) for kind in tensors.values()),
        "vocabulary": {
            "source": tokenizers.source.size,
            "target": tokenizers.target.size,
            "shared": tokenizers.are_shared,
            "tags": list(tokenizers.source.tags),
        },
        "training": _training(bundle.summary, directory / MANIFEST),
        "tensors": {name: list(kind.shape) for name, kind in sorted(tensors.items())},
        "configuration": config.model_dump(mode="json"),
        "configuration_yaml": config.as_yaml(),
    }


def _as_tokenized(config: Config, tokenizers: Tokenizers) -> Config:
    """Returns the configuration with the rules of normalisation that the tokenizers have.

    A model of an earlier version folds both sides by one rule, and its configuration names no other. The rules of
    somebody else's tokenizers may have names that no configuration knows, and are left out.
    """
    found = {"normalization": tokenizers.source.normalization, "target_normalization": tokenizers.target.normalization}
    known = {key: name for key, name in found.items() if name in get_args(Normalization)}
    return config.model_copy(update={"tokenizer": config.tokenizer.model_copy(update=known)})


def _training(summary: Mapping[str, object], where: Path) -> dict[str, Any]:
    """Returns the summary, after a check that it is as a training writes it."""
    for name, kinds in _SUMMARY.items():
        value = summary.get(name)
        # The exact type: in Python, True is an int.
        if name not in summary or type(value) not in kinds:
            expected = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            found = f"{value!r:.40}" if name in summary else "nothing"
            raise ModelError(str(where), f"summary: {name} is {found}; expected {expected}")
    tokenize = summary.get("validation_tokenize", "13a")  # earlier versions did not write it
    if tokenize not in (known := get_args(BleuTokenizer)):
        what = f"summary: validation_tokenize is {tokenize!r:.40}; expected one of {', '.join(known)}"
        raise ModelError(str(where), what)
    pairs = summary.get("training_pairs")  # the same
    if pairs is not None and type(pairs) is not int:
        raise ModelError(str(where), f"summary: training_pairs is {pairs!r:.40}; expected int")
    _check_origins(summary, where)
    if summary["metric"] not in _METRICS:
        raise ModelError(str(where), f"summary: metric is {summary['metric']!r:.40}; expected {' or '.join(_METRICS)}")
    return dict(summary)


def _check_origins(summary: Mapping[str, object], where: Path) -> None:
    """Checks what a summary tells of the model that a training went on from, and of those that were averaged."""
    origin, averaged = summary.get(INITIALIZED_FROM), summary.get(AVERAGED)
    fields = "name, step and sha256"
    if origin is not None and not _is_origin(origin):
        raise ModelError(str(where), f"summary: {INITIALIZED_FROM} is {origin!r:.80}; expected its {fields}")
    if averaged is not None and not (isinstance(averaged, list) and all(map(_is_origin, averaged))):
        raise ModelError(
            str(where), f"summary: {AVERAGED} is {averaged!r:.80}; expected a list of models, each by {fields}"
        )


def _is_origin(value: object) -> bool:
    """Returns whether a value is as `ModelBundle.origin`."""
    if not isinstance(value, dict):
        return False
    name, step, sha256 = (value.get(key) for key in ("name", "step", "sha256"))
    is_known = isinstance(name, str) and isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None
    return is_known and type(step) in (int, type(None))
