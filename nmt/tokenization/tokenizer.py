"""Text to tokens and back, with one SentencePiece model (Kudo and Richardson 2018, arXiv:1808.06226).

Text is encoded as tokens of text alone: `<s>` or `<pad>` typed by a user are spelled like any other word. U+2581 (`▁`),
by which SentencePiece represents a space, is a space in text, too.

A *word* is what `str.split()` finds: a run of characters that are not white space.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Self

import sentencepiece

from nmt.errors import ConfigError, ModelError
from nmt.io.lines import without_surrogates
from nmt.tokenization import normalization
from nmt.tokenization.protobuf import fields
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.subword_regularization import BpeDropout, Segmenter, UnigramSampling, Vocabulary, draw

_INPUT_WORD = re.compile(r"\S+")
_OUTPUT_WORD = re.compile(r"[^\s▁]+")

# Field numbers in SentencePiece's `ModelProto`, `TrainerSpec` and `SentencePieceText`.
_TRAINER_SPEC, _MODEL_TYPE = 2, 3
_UNIGRAM, _BPE, _WORD = 1, 2, 3
_PIECE, _BEGIN = 2, 4

_SILENT = 5

# For a list, SentencePiece starts a thread: where memory is scarce, that ends the process. Of few texts, the time that
# it saves is nothing beside their translation.
_FEW_TEXTS = 2048


class Tokenizer:
    """A SentencePiece model, trained by `nmt.tokenization.tokenizer_training.train_tokenizer` or by somebody else.

    A model that lacks padding, a begin or an end mark (or has one id for two of them) is given new ids for these, after
    its own: `size` counts them. Its other control symbols are `tags`, ids by their spelling. Text is never encoded as a
    mark or a tag, and neither is ever decoded as text.

    Raises `ModelError`, naming `name`, if `model` is not a SentencePiece model.
    """

    def __init__(self, model: bytes, name: str = "tokenizer", *, for_target: bool = False) -> None:
        """Loads a model; `for_target`, it normalises text by the rule that it has for target text, if it has one."""
        self.model = model
        self._name = name
        self._processor = sentencepiece.SentencePieceProcessor()
        sentencepiece.set_min_log_level(_SILENT)  # its warnings do not name the model that they are about
        try:
            target_model = normalization.for_target(model) if for_target else None
            self._processor.load_from_serialized_proto(target_model or model)
            self.normalization = normalization.rule_name(target_model or model)
            self._model_type = _model_type(model)
            own_ids = list(range(self._processor.get_piece_size()))
            self._pieces: list[str] = self._processor.id_to_piece(own_ids)
            self._processor.decode([self._processor.unk_id()])  # its text, like that of any piece, may not be UTF-8
        except (RuntimeError, ValueError, IndexError) as error:
            raise ModelError(name, "is not a SentencePiece model") from error
        self.size = len(self._pieces)
        unk: int = self._processor.unk_id()
        pad = self._own_or_new(self._processor.pad_id(), {unk})
        bos = self._own_or_new(self._processor.bos_id(), {unk, pad})
        eos = self._own_or_new(self._processor.eos_id(), {unk, pad, bos})
        own_controls = [token for token in own_ids if self._processor.is_control(token)]
        self._controls = frozenset((pad, bos, eos, *own_controls))
        self.tags = {self._pieces[token]: token for token in own_controls if token not in (pad, bos, eos, unk)}
        self.special = SpecialTokens(bos, eos, pad, unk, tuple(self.tags.values()))
        self._last_segmenter: tuple[float, Segmenter] | None = None
        # A word model would join a run of unknown words into one unknown piece, so it encodes each word alone. It can
        # if every word begins with a `▁` of its own, the first included.
        self._word_by_word = self._model_type == _WORD and self._processor.normalize("a") == "▁a"

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Reads a model file. Raises `ModelError`, naming it, if it is missing, cannot be read, or is not a model."""
        try:
            model = Path(path).read_bytes()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ModelError(str(path), f"cannot be read: {reason}") from error
        return cls(model, str(path))

    def for_target(self) -> Tokenizer:
        """Returns the tokenizer of the same model for target text; this one, if the model has no rule of its own there.

        Raises `ModelError` if that rule cannot be used.
        """
        if normalization.for_target(self.model) is None:
            return self
        return Tokenizer(self.model, self._name, for_target=True)

    def reproduces(self, text: str) -> bool:
        """Returns True if `decode` gives back what `encode` makes of a text, but for white space."""
        return _words(self.decode(self.encode([text])[0])) == _words(text)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each text, without begin and end marks; none for a text that normalisation empties."""
        readable = [without_surrogates(text) for text in texts]
        if not self._word_by_word:
            if len(readable) <= _FEW_TEXTS:
                return [self._processor.encode(text) for text in readable]
            encoded: list[list[int]] = self._processor.encode(readable, num_threads=1)
            return encoded
        words = [text.split() for text in readable]
        of_words = iter(self._processor.encode(list(chain.from_iterable(words)), num_threads=1))
        return [list(chain.from_iterable(islice(of_words, len(of_text)))) for of_text in words]

    def tag(self, tag: str, where: str) -> int:
        """Returns the id of a tag; raises ConfigError, which names those that there are and `where` it was given."""
        if tag not in self.tags:
            known = f"it knows {', '.join(self.tags)}" if self.tags else "it knows none"
            shown = f"{tag:.60}" if tag.strip() else repr(tag)
            raise ConfigError(where, f"{shown} is no tag of this model; {known}")
        return self.tags[tag]

    def piece(self, token: int) -> str:
        """Returns the model's spelling of an id. Raises `ValueError` if it is not in 0 … `size` - 1."""
        self._check([token])
        if token < len(self._pieces):
            return self._pieces[token]
        return {self.special.pad: "<pad>", self.special.bos: "<s>", self.special.eos: "</s>"}[token]

    @cached_property
    def spells_bytes(self) -> bool:
        """True if text outside the vocabulary is spelled in bytes, so that nothing becomes an unknown piece."""
        return any(map(self._processor.is_byte, range(len(self._pieces))))

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without control ids and without spaces at its ends; it may hold line breaks.

        Bytes that are not UTF-8 become U+FFFD. Raises `ValueError` if an id is not in 0 … `size` - 1.
        """
        self._check(ids)
        kept = [token for token in ids if token not in self._controls]
        return _as_text(self._processor.decode(kept)) if kept else ""

    def encode_with_words(self, text: str) -> tuple[list[int], list[int]]:
        """Returns the ids of `text`, as `encode` does, and for each the index of the word of `text` it comes from.

        A token that spans several words belongs to the first, one that spans none to the next (at the end, the last).
        A word that the model drops, such as U+200B alone, has no token. The indices never decrease. They are -1 if
        `text` has no word, only white space (for which a model that does not normalise may still have tokens).
        """
        text = without_surrogates(text)
        if self._word_by_word:
            of_words = self.encode(text.split())
            return list(chain.from_iterable(of_words)), [word for word, ids in enumerate(of_words) for _ in ids]
        ids = self.encode([text])[0]
        begins = _piece_begins(self._processor.encode(text, out_type="serialized_proto"))
        ends = _word_ends(text, _INPUT_WORD)
        dropped = set() if _is_plain(text) else self._dropped_words(text)
        kept = [word for word in range(len(ends)) if word not in dropped]
        if not dropped or not kept:  # the tokens, if any, are of white space alone
            return ids, _words_at(begins, ends)
        return ids, [kept[word] if word >= 0 else -1 for word in _words_at(begins, [ends[word] for word in kept])]

    def begins(self, text: str) -> list[int]:
        """Returns for each token of `text` the index of the character that it begins with."""
        text = without_surrogates(text)
        if self._word_by_word:
            begins = [match.start() for match in _INPUT_WORD.finditer(text)]
            return [begins[word] for word in self.encode_with_words(text)[1]]
        ends = list(accumulate(len(character.encode()) for character in text))
        pieces = _piece_begins(self._processor.encode(text, out_type="serialized_proto"))
        return [bisect_right(ends, begin) for begin in pieces]

    def _dropped_words(self, text: str) -> set[int]:
        """Finds the words of which normalisation leaves nothing; they are among those without a letter or digit."""
        return {
            place
            for place, word in enumerate(_INPUT_WORD.findall(text))
            if not (_is_plain(word) or any(map(str.isalnum, word)) or self._processor.encode(word))
        }

    def decode_with_words(self, ids: Sequence[int]) -> tuple[str, list[int]]:
        """Returns the text of ids, as `decode` does, and for each id the index of the word of that text it belongs to.

        The rules are those of `encode_with_words`; -1 for a control id, and for all ids if the text has no word.
        """
        self._check(ids)
        kept = [token for token in ids if token not in self._controls]
        if not kept:
            return "", [-1] * len(ids)
        decoded = self._processor.decode(kept)
        begins = _piece_begins(self._processor.decode(kept, out_type="serialized_proto"))
        words = iter(_words_at(begins, _word_ends(decoded, _OUTPUT_WORD)))
        return _as_text(decoded), [-1 if token in self._controls else next(words) for token in ids]

    def sample(self, texts: Sequence[str], alpha: float, seed: int) -> list[list[int]]:
        """Draws a segmentation of each text as ids: a function of `texts`, `alpha` and `seed` alone.

        For a unigram model, subword regularisation with temperature `alpha`; for BPE, dropout of merges with
        probability `alpha` (see `nmt.tokenization.subword_regularization`). Models of words and characters have one
        segmentation, that of `encode`; so has every model for an `alpha` of 0.
        """
        if alpha == 0 or self._model_type not in (_UNIGRAM, _BPE):
            return self.encode(texts)
        segmenter = self._segmenter(alpha)
        generator = random.Random(seed)
        normalized = (self._processor.normalize(without_surrogates(text)) for text in texts)
        return [draw(text, segmenter, self._vocabulary, generator) for text in normalized]

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        processor = self._processor
        ids = {}
        byte_ids = {}
        for token, piece in enumerate(self._pieces):
            if processor.is_byte(token):
                byte_ids[piece] = token
            elif not (token in self._controls or token == self.special.unk or processor.is_unused(token)):
                ids[piece] = token
        return Vocabulary(
            ids=ids,
            scores={piece: processor.get_score(token) for piece, token in ids.items()},
            byte_ids=[token for _, token in sorted(byte_ids.items())],
            unk_id=self.special.unk,
        )

    def _segmenter(self, alpha: float) -> Segmenter:
        """Returns the segmenter for `alpha`; the same object as long as `alpha` stays, as it caches words."""
        last = self._last_segmenter
        if last is None or last[0] != alpha:
            kind = UnigramSampling if self._model_type == _UNIGRAM else BpeDropout
            last = self._last_segmenter = (alpha, kind(self._vocabulary.scores, alpha))
        return last[1]

    def _own_or_new(self, own_id: int, taken: set[int]) -> int:
        """Returns the model's own id of a special token, or a new one where it has none that is not `taken`."""
        if own_id >= 0 and own_id not in taken:
            return own_id
        self.size += 1
        return self.size - 1

    def _check(self, ids: Sequence[int]) -> None:
        for token in ids:
            if not 0 <= token < self.size:
                raise ValueError(f"token id {token}: not in 0 … {self.size - 1}")


def _model_type(model: bytes) -> int:
    for number, value in fields(model):
        if number == _TRAINER_SPEC and isinstance(value, bytes):
            for spec_number, spec_value in fields(value):
                if spec_number == _MODEL_TYPE and isinstance(spec_value, int):
                    return spec_value
    return _UNIGRAM


def _words(text: str) -> list[str]:
    return text.replace("▁", " ").split()


def _is_plain(text: str) -> bool:
    """Returns True for printable ASCII, which no normalisation drops."""
    return text.isascii() and text.isprintable()


def _as_text(decoded: str) -> str:
    """Removes from `decoded` the `▁` that a word model leaves in words that it spells in bytes."""
    return decoded.replace("▁", " ").strip(" ")


def _piece_begins(segmentation: bytes) -> list[int]:
    """Returns the begin of each piece of a serialised `SentencePieceText`, in bytes of the text as UTF-8."""
    pieces = (value for number, value in fields(segmentation) if number == _PIECE and isinstance(value, bytes))
    return [int(dict(fields(piece)).get(_BEGIN, 0)) for piece in pieces]


def _word_ends(text: str, word: re.Pattern[str]) -> list[int]:
    """Returns the end of each word of `text`, in bytes of `text` as UTF-8."""
    ends = [match.end() for match in word.finditer(text)]
    parts = (text[start:end] for start, end in zip([0, *ends], ends, strict=False))
    return list(accumulate(len(part.encode()) for part in parts))


def _words_at(begins: Sequence[int], word_ends: Sequence[int]) -> list[int]:
    """Returns for each place the first word that ends after it, or else the last word; -1 if there is no word."""
    last = len(word_ends) - 1
    return [min(bisect_right(word_ends, begin), last) for begin in begins]
