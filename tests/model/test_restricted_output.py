"""Small vocabularies give the logits of the whole one, whichever sentences have left."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nmt.model.restricted_output import RestrictedOutput

VOCABULARY, SIZE, WIDTH = 20, 5, 7


def case(sentences: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """An output weight; tokens, how many of them count, and two readouts for each of some sentences."""
    generator = torch.Generator().manual_seed(sentences)
    tokens = torch.stack([torch.randperm(VOCABULARY, generator=generator)[:WIDTH] for _ in range(sentences)])
    lengths = torch.randint(1, WIDTH + 1, (sentences,), generator=generator)
    weight = torch.randn(VOCABULARY, SIZE, generator=generator, dtype=torch.float64)
    return weight, tokens, lengths, torch.randn(sentences, 2, SIZE, generator=generator, dtype=torch.float64)


def check(outputs: RestrictedOutput, case: tuple[Tensor, Tensor, Tensor, Tensor], sentences: Tensor) -> None:
    weight, tokens, lengths, readouts = (part[sentences] if number else part for number, part in enumerate(case))
    expected = (readouts @ weight.t()).gather(2, tokens[:, None].expand(-1, 2, -1))
    expected = expected.masked_fill(torch.arange(WIDTH) >= lengths[:, None, None], float("-inf"))
    torch.testing.assert_close(outputs.logits(readouts), expected)
    local = torch.arange(2).expand(len(sentences), -1)
    assert torch.equal(outputs.whole(local), tokens[:, :2])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.data())
def test_logits_are_those_of_the_whole_vocabulary(sentences: int, data: st.DataObject) -> None:
    drawn = case(sentences)
    outputs = RestrictedOutput.from_candidates(*drawn[:3])
    left = torch.arange(sentences)
    check(outputs, drawn, left)
    while len(left) > 1:
        kept = sorted(data.draw(st.sets(st.integers(0, len(left) - 1), min_size=1, max_size=len(left) - 1)))
        outputs, left = outputs.select(torch.tensor(kept)), left[kept]
        check(outputs, drawn, left)


def test_the_weight_is_copied_only_where_half_of_it_is_idle() -> None:
    outputs = RestrictedOutput.from_candidates(*case(8)[:3])
    most = outputs.select(torch.arange(6)).select(torch.tensor([1, 2, 3, 4, 5]))
    assert most.weight is outputs.weight
    assert len(most.select(torch.tensor([0, 2, 3, 4])).weight) == 4
