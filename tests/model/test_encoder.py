"""The encoder is torch's bidirectional LSTM over packed sequences."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nmt.model.dropout import Dropout
from nmt.model.encoder import BidirectionalLSTM, Encoder, reversal
from nmt.model.seq2seq import Seq2Seq

LENGTHS = torch.tensor([5, 2, 3])


def packed_reference(layer: BidirectionalLSTM) -> torch.nn.LSTM:
    """torch's own layer with the same weights."""
    size = layer.recurrent_weight.shape[1]
    reference = torch.nn.LSTM(layer.input_weight.shape[1], size, bidirectional=True).double()
    order = torch.tensor([0, 1, 3, 2])
    with torch.no_grad():
        for direction, suffix in enumerate(("", "_reverse")):
            for ours, theirs in (
                (layer.input_weight[direction].t(), f"weight_ih_l0{suffix}"),
                (layer.recurrent_weight[direction].t(), f"weight_hh_l0{suffix}"),
                (layer.bias[direction], f"bias_ih_l0{suffix}"),
            ):
                getattr(reference, theirs).copy_(ours.unflatten(0, (4, size))[order].flatten(0, 1))
            getattr(reference, f"bias_hh_l0{suffix}").zero_()
    return reference


def test_a_layer_equals_a_packed_bidirectional_lstm() -> None:
    torch.manual_seed(0)
    layer = BidirectionalLSTM(4, 3).double()
    inputs = torch.randn(5, 3, 4, dtype=torch.float64)
    packed = pack_padded_sequence(inputs, LENGTHS, enforce_sorted=False)
    expected, _ = pad_packed_sequence(packed_reference(layer)(packed)[0])
    found = layer(inputs, reversal(LENGTHS, 5))
    for sentence, length in enumerate(LENGTHS):
        assert torch.allclose(found[:length, sentence], expected[:length, sentence], rtol=0, atol=1e-13)


def test_reversal_is_its_own_inverse() -> None:
    index = reversal(LENGTHS, 5)
    assert torch.equal(index[index], torch.arange(15))


@pytest.mark.parametrize("layers", [1, 2])
def test_padding_changes_nothing(make_model: Callable[..., Seq2Seq], batch: tuple[Tensor, ...], layers: int) -> None:
    model = make_model(encoder_layers=layers)
    source, lengths = batch[0], batch[1]
    together = model.encode(source, lengths)
    wider = model.encode(torch.nn.functional.pad(source, (0, 3), value=7), lengths)
    for sentence, length in enumerate(lengths.tolist()):
        alone = model.encode(source[sentence : sentence + 1, :length], lengths[sentence : sentence + 1])
        for other in (together, wider):
            assert torch.allclose(
                other.annotations[sentence, :length], alone.annotations[0, :length], rtol=0, atol=1e-14
            )
            assert torch.allclose(other.summary[sentence], alone.summary[0], rtol=0, atol=1e-14)


def test_layers_are_stacked() -> None:
    torch.manual_seed(0)
    encoder = Encoder(4, 3, 2, Dropout(0.0), layer_norm=False).double()
    inputs = torch.randn(5, 3, 4, dtype=torch.float64)
    mirror = reversal(LENGTHS, 5)
    hidden = inputs
    layers = list(encoder.layers)
    assert len(list(pairwise(layers))) == 1
    for layer in layers:
        hidden = layer(hidden, mirror)
    assert torch.equal(encoder(inputs, LENGTHS), hidden)
