"""Models of random weights on made-up words: they know nothing, and are as exact as any other."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, Literal

import pytest
import torch

from nmt.build import build_model
from nmt.config import Config, from_yaml
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import train_tokenizer

WORDS = [first + second for first in ("ba", "ce", "di", "fo", "gu") for second in ("", "la", "ne", "ri", "so", "tu")]


def small_config(
    size: int, encoder: int, *, languages: tuple[str, str] = ("xx", "yy"), search: dict[str, Any], **keys: Any
) -> Config:
    """A configuration of a network of these sizes; `keys` are of the section `model`, and `max_length` of `data`."""
    files = {"source": "a", "target": "b"}
    data = {"source_language": languages[0], "target_language": languages[1], "train": files, "validation": files}
    if "max_length" in keys:
        data["max_length"] = keys.pop("max_length")
    sizes = dict.fromkeys(("attention_size", "embedding_size", "readout_size"), size)
    layers = {"encoder": {"hidden_size": encoder}, "decoder": {"hidden_size": 2 * encoder}}
    model = sizes | layers | {"tie_embeddings": "none"} | keys
    return from_yaml(json.dumps({"data": data, "model": model, "search": search}), "configuration")


def make_lines(count: int, seed: int = 1) -> list[str]:
    generator = random.Random(seed)
    return [" ".join(generator.choices(WORDS, k=generator.randint(1, 6))) for _ in range(count)]


def make_tokenizer(
    lines: Sequence[str],
    size: int = 60,
    kind: Any = "bpe",
    *,
    byte_fallback: bool = False,
    normalization: Any = "nmt_nfkc",
) -> Tokenizer:
    trained = train_tokenizer(
        lines,
        kind=kind,
        vocabulary_size=size,
        character_coverage=1.0,
        byte_fallback=byte_fallback,
        normalization=normalization,
        training_lines=1000,
        seed=1,
    )
    return Tokenizer(trained.model)


def make_model(
    config: Config, source: Tokenizer, target: Tokenizer, *, seed: int = 5, factor: float = 2, output_factor: float = 6
) -> Seq2Seq:
    """The model of a configuration, with preferences and attention as clear as those of a trained one."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_model(config.model, source.size, target.size).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(output_factor if weight is model.output_weight else factor)
    return model


def exhaust_memory(
    monkeypatch: pytest.MonkeyPatch, method: Literal["step", "forward"], most: int, error: Exception
) -> list[int]:
    """Makes memory suffice for `most` sentences; the sizes of the batches that were tried are in the list."""
    sizes: list[int] = []
    compute = getattr(Seq2Seq, method)

    def refuse(model: Seq2Seq, tokens: torch.Tensor, *others: Any) -> Any:
        sizes.append(len(tokens))
        if len(tokens) > most:
            raise error
        return compute(model, tokens, *others)

    monkeypatch.setattr(Seq2Seq, method, refuse)
    return sizes
