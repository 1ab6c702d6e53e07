"""The one place where a configuration becomes a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nmt.config import ModelConfig
from nmt.model.seq2seq import Seq2Seq


def build_model(config: ModelConfig, source_vocabulary: int, target_vocabulary: int) -> Seq2Seq:
    """Builds a freshly initialised model of a configuration, for vocabularies of these sizes."""
    return Seq2Seq(
        source_vocabulary=source_vocabulary,
        target_vocabulary=target_vocabulary,
        embedding_size=config.embedding_size,
        encoder_size=config.encoder.hidden_size,
        encoder_layers=config.encoder.layers,
        decoder_size=config.decoder.hidden_size,
        decoder_layers=config.decoder.layers,
        conditional=config.decoder.conditional,
        attention=config.attention,
        attention_size=config.attention_size,
        readout_size=config.readout_size,
        tie_embeddings=config.tie_embeddings,
        dropout=config.dropout,
        variational_dropout=config.variational_dropout,
        word_dropout=config.word_dropout,
        layer_norm=config.layer_norm,
    )


def outline_model(config: ModelConfig, source_vocabulary: int, target_vocabulary: int) -> Seq2Seq:
    """Builds the same model on the meta device: the names and shapes of its parameters, without memory for them."""
    with torch.device("meta"), _Uninitialized():
        return build_model(config, source_vocabulary, target_vocabulary)


class _Uninitialized(TorchFunctionMode):
    """Skips the functions that initialise parameters.

    For random numbers on the meta device, torch imports its compiler, which takes as long as the rest of a start.
    """

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if function in _INITIALIZERS:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)


_INITIALIZERS = {
    nn.init.kaiming_uniform_,
    nn.init.normal_,
    nn.init.uniform_,
    nn.init.orthogonal_,
    Tensor.normal_,
    Tensor.uniform_,
}
