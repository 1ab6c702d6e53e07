import numpy as np

from nmt.corpus.batching import make_batch
from nmt.corpus.subword_sampling import SubwordSampler
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers


class Pairs:
    """The same text on both sides."""

    def __init__(self, source: Tokenizer, target: Tokenizer, lines: list[str]) -> None:
        self.sources, self.targets = source.encode(lines), target.encode(lines)

    def source(self, index: int) -> np.ndarray:
        return np.array(self.sources[index], np.uint16)

    def target(self, index: int) -> np.ndarray:
        return np.array(self.targets[index], np.uint16)


def test_samples_spell_the_same_text_in_other_tokens(
    source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, lines: list[str]
) -> None:
    pairs = Pairs(source_tokenizer, target_tokenizer, lines[:50])
    resample = SubwordSampler(Tokenizers(source_tokenizer, target_tokenizer), 0.1, 1000, seed=1).in_epoch(0)
    indices = np.arange(50)
    special = Tokenizers(source_tokenizer, target_tokenizer).special
    plain, sampled = make_batch(pairs, indices, special), make_batch(pairs, indices, special, resample)
    for row in range(50):
        assert target_tokenizer.decode(sampled.target_output[row].tolist()) == lines[row]
        assert source_tokenizer.decode(sampled.source[row].tolist()) == lines[row]
    assert sampled.target_tokens > plain.target_tokens


def test_samples_are_the_same_for_a_seed_and_an_epoch_and_others_for_another(
    source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, lines: list[str]
) -> None:
    pairs = Pairs(source_tokenizer, target_tokenizer, lines[:20])
    special = Tokenizers(source_tokenizer, target_tokenizer).special

    def sampled(seed: int, epoch: int, first: int = 0) -> list[list[int]]:
        resample = SubwordSampler(Tokenizers(source_tokenizer, target_tokenizer), 0.1, 1000, seed).in_epoch(epoch)
        source: list[list[int]] = make_batch(pairs, np.arange(first, 20), special, resample).source.tolist()
        return source

    assert sampled(1, 0) == sampled(1, 0)
    assert sampled(1, 0) != sampled(2, 0)
    assert sampled(1, 0) != sampled(1, 1)


def test_what_is_unknown_or_would_be_too_long_stays(source_tokenizer: Tokenizer, target_tokenizer: Tokenizer) -> None:
    texts = ["ba漢ce", "bacedi foguha jekilo"]
    pairs = Pairs(source_tokenizer, target_tokenizer, texts)
    assert source_tokenizer.special.unk in pairs.sources[0]
    special = Tokenizers(source_tokenizer, target_tokenizer).special
    longest = len(pairs.sources[1])
    for epoch in range(20):
        resample = SubwordSampler(Tokenizers(source_tokenizer, target_tokenizer), 0.01, longest, seed=1).in_epoch(epoch)
        batch = make_batch(pairs, np.arange(2), special, resample)
        assert batch.source[0, : batch.source_lengths[0] - 1].tolist() == pairs.sources[0]
        assert batch.source_lengths[1] <= longest + 1
