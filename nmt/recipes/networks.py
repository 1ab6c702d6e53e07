"""The networks that recipes choose from, and how much longer each takes than the small one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nmt.config.sections import ModelConfig


@dataclass(frozen=True)
class Network:
    """The sizes of a network, with what suits them."""

    name: str
    embedding: int  # also of the readout, so that one table serves as both
    encoder: int  # state size of each direction
    decoder: int  # state size
    attention: int
    conditional: bool
    learning_rate: float  # the highest
    slowness: float  # time of an update beside that of the small network, measured with equal batches

    def settings(self) -> dict[str, Any]:
        """Returns the keys of the configuration with their values."""
        return {
            "model.embedding_size": self.embedding,
            "model.readout_size": self.embedding,
            "model.attention_size": self.attention,
            "model.encoder": {"hidden_size": self.encoder},
            "model.decoder": {"hidden_size": self.decoder, "conditional": self.conditional},
        }

    def model(self) -> ModelConfig:
        """Returns the section `model` of the configuration."""
        return ModelConfig(**{key.partition(".")[2]: value for key, value in self.settings().items()})


TINY = Network("tiny", 128, 128, 256, 128, conditional=False, learning_rate=8e-3, slowness=0.85)
SMALL = Network("small", 192, 128, 256, 192, conditional=False, learning_rate=8e-3, slowness=1.0)
MEDIUM = Network("medium", 256, 192, 384, 256, conditional=False, learning_rate=5e-3, slowness=1.6)
LARGE = Network("large", 256, 256, 512, 512, conditional=True, learning_rate=3e-3, slowness=2.5)
NETWORKS = (TINY, SMALL, MEDIUM, LARGE)

_VOCABULARY = 6_000  # of the small network when the others were measured beside it
_EXPONENT = 0.8  # the time of an update grows more slowly than its products


def slowness(model: ModelConfig, vocabulary: int) -> float:
    """Estimates how much longer an update of a network takes than one of the small one, with equal batches."""
    return float((_products(model, vocabulary) / _products(SMALL.model(), _VOCABULARY)) ** _EXPONENT)


def _products(model: ModelConfig, vocabulary: int) -> int:
    """Returns the multiplications of a target token, with about as many source tokens."""
    encoder, decoder, embedding = model.encoder.hidden_size, model.decoder.hidden_size, model.embedding_size
    annotation = 2 * encoder
    of_encoder = 8 * encoder * (embedding + encoder) + (model.encoder.layers - 1) * 8 * encoder * (annotation + encoder)
    of_cell = 4 * decoder * (embedding + annotation + decoder)
    of_decoder = of_cell + (model.decoder.layers - 1 + model.decoder.conditional) * 8 * decoder * decoder
    of_attention = model.attention_size * (decoder + annotation)
    of_output = model.readout_size * (decoder + annotation + embedding + vocabulary)
    return of_encoder + of_decoder + of_attention + of_output
