"""Training SentencePiece models, in memory and always with the same result."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import sentencepiece

from nmt.errors import DataError
from nmt.io.lines import is_blank, without_surrogates
from nmt.tokenization.normalization import folding, named_rule, with_rules
from nmt.tokenization.special_tokens import UNKNOWN

if TYPE_CHECKING:
    from nmt.config.sections import Normalization

TokenizerKind = Literal["unigram", "bpe", "char", "word"]

PAD_ID, UNK_ID, BOS_ID, EOS_ID = range(4)

# The scores of a unigram model depend on the number of threads: a fixed one gives the same model on every machine.
_THREADS = 4

# SentencePiece leaves out sentences of more than 4192 bytes, and those with NUL or U+2585, which it uses itself.
_MOST_CHARACTERS = 1000
_RESERVED = str.maketrans("\0\u2585", "  ")


class TrainedTokenizer(NamedTuple):
    """A SentencePiece model, its size, and a warning if that is not the requested one."""

    model: bytes
    size: int
    warning: str | None


def train_tokenizer(
    *texts: Iterable[str],
    kind: TokenizerKind,
    vocabulary_size: int,
    character_coverage: float,
    byte_fallback: bool,
    normalization: Normalization,
    training_lines: int,
    seed: int,
    target_normalization: Normalization | None = None,
) -> TrainedTokenizer:
    """Trains a SentencePiece model on at most `training_lines` lines of each text that are not blank, drawn by `seed`.

    The marks have the ids `PAD_ID`, `UNK_ID`, `BOS_ID` and `EOS_ID`. With `byte_fallback`, a model of any kind spells
    a character (a word model: a word) outside the vocabulary in bytes, which take 256 places of the vocabulary.

    The rule `normalization` is that of all texts but, where `target_normalization` names another, the last of them. The
    model then has both rules (see `nmt.tokenization.tokenizers.Tokenizers`).

    The size is lowered if the corpus cannot fill it, and raised if the marks, the bytes and, for unigram and BPE, the
    characters that `character_coverage` asks for do not fit into it.

    Prints nothing; the same input gives the same bytes. Raises `DataError` if there is nothing to train on.
    """
    rule = named_rule(normalization)
    target_rule = named_rule(target_normalization or normalization)
    rules = [*[rule] * (len(texts) - 1), target_rule]
    # Folded here, since SentencePiece folds all of its text by one rule.
    sample = [
        part
        for text, of_text in zip(texts, rules, strict=True)
        for line in folding(of_text)(sample_lines(text, training_lines, seed))
        for part in _parts(line)
    ]
    options = {
        "model_type": kind,
        "character_coverage": character_coverage,
        "byte_fallback": byte_fallback,
        "normalization_rule_name": "identity",
        # Pieces of a word model hold their own space; an unknown one would stick to the word before it.
        "unk_surface": f" {UNKNOWN}" if kind == "word" else UNKNOWN,
    }
    # Some versions of SentencePiece end the process if there is none.
    if not any(line.replace("▁", " ").strip(" ") for line in sample):
        raise DataError("tokenizer", "the corpus has no text to train on")
    try:
        model = _train(sample, max(vocabulary_size, 5 + 256 * byte_fallback), options)
    except _TooSmallError as error:
        model = _train(sample, error.args[0], options)
    model = with_rules(model, rule, target_rule)
    reached = sentencepiece.SentencePieceProcessor(model_proto=model).get_piece_size()
    return TrainedTokenizer(model, reached, _warning(vocabulary_size, reached))


def sample_lines(lines: Iterable[str], most: int, seed: int) -> list[str]:
    """Draws at most `most` of the lines that are not blank by `seed`, each as likely as any other.

    A line of over a thousand characters counts as several, cut at spaces if it has any. Characters that SentencePiece
    does not take (NUL, U+2585, lone surrogates) become spaces and U+FFFD. Memory is bounded by `most`.
    """
    draw = random.Random(seed).random
    sample: list[str] = []
    seen = 0
    # Reservoir sampling (Vitter 1985, algorithm R).
    for line in lines:
        # What most lines are: one part, and not blank. Of them only those that are drawn are looked at closely.
        if seen >= most and len(line) <= _MOST_CHARACTERS and line[:1].isalnum():
            seen += 1
            if (place := int(draw() * seen)) < most:
                sample[place] = next(_parts(line))
            continue
        for part in _parts(line):
            seen += 1
            if seen <= most:
                sample.append(part)
            elif (place := int(draw() * seen)) < most:
                sample[place] = part
    return sample


def _parts(line: str) -> Iterator[str]:
    text = without_surrogates(line).translate(_RESERVED)
    start = 0
    while start < len(text):
        end = start + _MOST_CHARACTERS
        if end < len(text) and (space := text.rfind(" ", start + 1, end + 1)) > 0:
            end = space
        if not is_blank(text[start:end]):
            yield text[start:end]
        start = end


class _TooSmallError(Exception):
    """The vocabulary is too small; the argument is the size that is required."""


def _train(lines: list[str], size: int, options: Mapping[str, Any]) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=size,
            hard_vocab_limit=False,
            pad_id=PAD_ID,
            unk_id=UNK_ID,
            bos_id=BOS_ID,
            eos_id=EOS_ID,
            num_threads=_THREADS,
            minloglevel=5,
            **options,
        )
    except RuntimeError as error:
        if match := re.search(r"smaller than required_chars\. \d+ vs (\d+)", str(error)):
            raise _TooSmallError(int(match[1])) from error
        raise DataError("tokenizer", f"cannot be trained on this corpus: {error}") from error
    return model.getvalue()


def _warning(requested: int, reached: int) -> str | None:
    if reached < requested:
        return f"lowered from {requested} to {reached}: the corpus cannot fill more"
    if reached > requested:
        return f"raised from {requested} to {reached}: less cannot hold the marks, the bytes and the characters"
    return None
