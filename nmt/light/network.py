"""The network in NumPy, in float32: the encoder of one sentence, and a step of the decoder for its hypotheses.

It computes what `nmt.model` does, whose docstrings name the papers; letters in the comments are those of its shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.config import ModelConfig

Array = NDArray[np.float32]

_EPSILON = 1e-5  # of layer normalisation


def weight_shapes(config: ModelConfig, source_size: int, target_size: int) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of a model's weights, by their names in its file, for vocabularies of these sizes."""
    embedding, readout = config.embedding_size, config.readout_size
    encoder, decoder, layers = config.encoder.hidden_size, config.decoder.hidden_size, config.decoder.layers
    annotation, gates = 2 * encoder, 4 * decoder
    shapes: dict[str, tuple[int, ...]] = {"source_embedding.weight": (source_size, embedding)}
    if config.tie_embeddings not in ("all", "inputs"):
        shapes["target_embedding.weight"] = target_size, embedding
    if config.tie_embeddings not in ("all", "output"):
        shapes["output_embedding.weight"] = target_size, readout
    for layer in range(config.encoder.layers):
        name, size = f"encoder.layers.{layer}.", annotation if layer else embedding
        shapes[name + "input_weight"] = 2, size, 4 * encoder
        shapes[name + "recurrent_weight"] = 2, encoder, 4 * encoder
        shapes[name + "bias"] = 2, 4 * encoder
    if config.layer_norm:
        shapes |= dict.fromkeys(("encoder.norm.weight", "encoder.norm.bias"), (annotation,))
        shapes |= dict.fromkeys(("decoder.norm.weight", "decoder.norm.bias"), (decoder,))
    shapes["decoder.initial.weight"] = layers * decoder, encoder
    shapes["decoder.initial.bias"] = (layers * decoder,)
    shapes["decoder.input_weight"] = embedding, gates
    shapes["decoder.recurrent_weight"] = annotation + decoder, gates
    shapes["decoder.bias"] = (gates,)
    if config.decoder.conditional:
        shapes["decoder.word_recurrent_weight"] = decoder, gates
        shapes["decoder.context_bias"] = (gates,)
    for layer in range(layers - 1):
        name = f"decoder.upper_layers.{layer}."
        shapes |= {name + "input_weight": (decoder, gates), name + "recurrent_weight": (decoder, gates)}
        shapes[name + "bias"] = (gates,)
    shapes["decoder.readout_projection.weight"] = readout, decoder + annotation + embedding
    shapes["decoder.readout_projection.bias"] = (readout,)
    name = "decoder.attention."
    if config.attention == "additive":
        shapes[name + "query_projection.weight"] = config.attention_size, decoder
        shapes[name + "key_projection.weight"] = config.attention_size, annotation
        shapes[name + "key_projection.bias"] = (config.attention_size,)
        shapes[name + "energy.weight"] = 1, config.attention_size
    elif config.attention == "general":
        shapes[name + "key_projection.weight"] = decoder, annotation
    return shapes


class EncodedSentence(NamedTuple):
    """A source sentence, which is fixed while it is translated."""

    annotations: Array  # (S, C)
    keys: Array  # (S, A), with attention
    summary: Array  # (C,)


class RecurrentState(NamedTuple):
    """The state of the decoder for K hypotheses: hidden states and cells of its L layers."""

    hidden: Array  # (L, K, H)
    cell: Array  # (L, K, H)

    def select(self, hypotheses: NDArray[np.int64]) -> RecurrentState:
        """Returns the states that these hypotheses continue."""
        return RecurrentState(self.hidden[:, hypotheses], self.cell[:, hypotheses])


class LightNetwork:
    """A trained model's weights, and what it computes with them."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, Array]) -> None:
        """Takes the weights by their names in a model's file; raises KeyError if one is missing."""
        self._config = config
        self._weights = weights
        self._source = weights["source_embedding.weight"]
        self._target = self._source
        if config.tie_embeddings not in ("all", "inputs"):
            self._target = weights["target_embedding.weight"]
        output = self._target
        if config.tie_embeddings not in ("all", "output"):
            output = weights["output_embedding.weight"]
        self._output = output.T  # (R, V)

    def encode(self, tokens: Sequence[int]) -> EncodedSentence:
        """Encodes a sentence of S tokens, the end mark included."""
        hidden = self._source[list(tokens)]  # (S, E)
        for layer in range(self._config.encoder.layers):
            hidden = self._encoder_layer(hidden, f"encoder.layers.{layer}.")
        half = hidden.shape[1] // 2
        annotations = self._normalised(hidden, "encoder.norm")
        summary = np.concatenate([annotations[-1, :half], annotations[0, half:]])
        keys = annotations
        if self._config.attention in ("additive", "general"):
            keys = self._linear(annotations, "decoder.attention.key_projection")
        return EncodedSentence(annotations, keys, summary)

    def _encoder_layer(self, inputs: Array, name: str) -> Array:
        """Runs both directions over a sentence: (S, ·) -> (S, 2H)."""
        weights = self._weights
        directions = []
        for direction, rows in enumerate((inputs, inputs[::-1])):
            recurrent = weights[name + "recurrent_weight"][direction]  # (H, 4H)
            gates = rows @ weights[name + "input_weight"][direction] + weights[name + "bias"][direction]  # (S, 4H)
            hidden = cell = np.zeros(recurrent.shape[0], np.float32)
            states = np.empty((len(rows), len(hidden)), np.float32)
            for step, of_word in enumerate(gates):
                hidden, cell = _transition(of_word + hidden @ recurrent, cell)
                states[step] = hidden
            directions.append(states if direction == 0 else states[::-1])
        return np.concatenate(directions, axis=1)

    def start(self, sentence: EncodedSentence) -> RecurrentState:
        """Returns the state before the first word, of one hypothesis."""
        backward = sentence.summary[len(sentence.summary) // 2 :]
        hidden = np.tanh(self._linear(backward, "decoder.initial"))
        hidden = hidden.reshape(self._config.decoder.layers, 1, self._config.decoder.hidden_size)
        return RecurrentState(hidden, np.zeros_like(hidden))

    def step(
        self, tokens: NDArray[np.int64], state: RecurrentState, sentence: EncodedSentence
    ) -> tuple[Array, RecurrentState]:
        """Reads the last token of each hypothesis, (K,); returns the logits of the next, (K, V), and the new state."""
        weights = self._weights
        embedded = self._target[tokens]  # (K, E)
        gates = embedded @ weights["decoder.input_weight"] + weights["decoder.bias"]  # (K, 4H)
        hidden, cell = state.hidden[0], state.cell[0]
        if self._config.decoder.conditional:
            hidden, cell = _transition(gates + hidden @ weights["decoder.word_recurrent_weight"], cell)
            gates = weights["decoder.context_bias"]
        context = self._context(hidden, sentence)
        joined = np.concatenate([context, hidden], axis=1) @ weights["decoder.recurrent_weight"]
        hidden, cell = _transition(gates + joined, cell)
        hiddens, cells = [hidden], [cell]
        for layer in range(1, self._config.decoder.layers):
            name = f"decoder.upper_layers.{layer - 1}."
            gates = hidden @ weights[name + "input_weight"] + weights[name + "bias"]
            recurrent = state.hidden[layer] @ weights[name + "recurrent_weight"]
            hidden, cell = _transition(gates + recurrent, state.cell[layer])
            hiddens.append(hidden)
            cells.append(cell)
        shown = self._normalised(hidden, "decoder.norm")
        joined = np.concatenate([shown, context, embedded], axis=1)
        readout = np.tanh(self._linear(joined, "decoder.readout_projection"))
        return readout @ self._output, RecurrentState(np.stack(hiddens), np.stack(cells))

    def _context(self, query: Array, sentence: EncodedSentence) -> Array:
        """Returns the sum of the annotations, weighted by attention, for each query: (K, H) -> (K, C)."""
        if self._config.attention == "none":
            return np.broadcast_to(sentence.summary, (len(query), len(sentence.summary)))
        if self._config.attention == "additive":
            query = query @ self._weights["decoder.attention.query_projection.weight"].T
            energy = self._weights["decoder.attention.energy.weight"][0]
            scores = np.tanh(query[:, None] + sentence.keys) @ energy  # (K, S, A) · (A,)
        else:
            scores = query @ sentence.keys.T
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights = exponentials / exponentials.sum(axis=1, keepdims=True)
        context: Array = weights @ sentence.annotations
        return context

    def _linear(self, values: Array, name: str) -> Array:
        product: Array = values @ self._weights[name + ".weight"].T
        bias = self._weights.get(name + ".bias")
        return product if bias is None else product + bias

    def _normalised(self, values: Array, name: str) -> Array:
        """Applies layer normalisation if the model has it."""
        if not self._config.layer_norm:
            return values
        centred = values - values.mean(axis=-1, keepdims=True)
        variance = (centred**2).mean(axis=-1, keepdims=True)
        normal: Array = centred / np.sqrt(variance + np.float32(_EPSILON))
        return normal * self._weights[name + ".weight"] + self._weights[name + ".bias"]


def _transition(gates: Array, cell: Array) -> tuple[Array, Array]:
    """Runs an LSTM cell, whose gates (·, 4H) are input, forget, output and candidate: returns hidden and cell."""
    size = cell.shape[-1]
    opened: Array = np.reciprocal(1 + np.exp(-gates[..., : 3 * size]))
    into, forget, out = opened[..., :size], opened[..., size : 2 * size], opened[..., 2 * size :]
    cell = forget * cell + into * np.tanh(gates[..., 3 * size :])
    return out * np.tanh(cell), cell
