"""The one place where a configuration becomes a model."""

from __future__ import annotations

from nmt.config import ModelConfig
from nmt.model.seq2seq import Seq2Seq


def build_model(config: ModelConfig, source_vocabulary: int, target_vocabulary: int) -> Seq2Seq:
    """A freshly initialised model of that configuration for vocabularies of these sizes."""
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
