"""Writing the built-in corpus: training, validation and test pairs, and the word alignment of the test.

Every test sentence holds a combination of words that neither training nor validation ever shows (see
`combinations`), made of words that training shows often enough. All English sentences are distinct, and each has
exactly one translation.

`test.align` is in Pharaoh format, source-target, over the white-space words of the two lines. A word is aligned with
each word that it translates or requires: "ne" and "pas" with "not", "l'homme" with "the" and with "man", an auxiliary
("does", "did") with the French finite verb and, in a question, with "est-ce que"; see `english` and `french`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from examples.quickstart_corpus.combinations import combinations, is_held_out
from examples.quickstart_corpus.composer import SentenceComposer
from examples.quickstart_corpus.english import english_words
from examples.quickstart_corpus.french import french_words
from examples.quickstart_corpus.lexicon import load_lexicon
from examples.quickstart_corpus.syntax import Sentence
from examples.quickstart_corpus.words import align
from nmt.errors import Problem, StorageError
from nmt.io.atomic_files import make_directory, write_file

STAMP = "quickstart.sha256"
EVALUATION_PAIRS = 500
WORDS_ALLOWED = range(3, 31)
OCCURRENCES_BEFORE_TEST = 10


class Pair(NamedTuple):
    """A sentence in both languages; `alignment` holds pairs of 0-based word indices (English, French)."""

    english: str
    french: str
    alignment: tuple[tuple[int, int], ...]


class Splits(NamedTuple):
    """The three parts of the corpus."""

    train: list[Pair]
    validation: list[Pair]
    test: list[Pair]


def realise(sentence: Sentence) -> Pair:
    """Realises a sentence in both languages."""
    english, french = english_words(sentence), french_words(sentence)
    return Pair(
        " ".join(word.text for word in english),
        " ".join(word.text for word in french),
        tuple(align(english, french)),
    )


def word_forms(line: str) -> list[str]:
    """Returns the word forms of a line, without punctuation; an elided word is apart from the word after it."""
    return re.findall(r"[\w-]+'?", line)


def generate(seed: int, training_pairs: int) -> Splits:
    """Generates the corpus of a seed; the same seed gives the same pairs."""
    composer = SentenceComposer(Random(seed), load_lexicon())
    seen: set[str] = set()
    shown: list[Pair] = []
    unshown: list[Pair] = []
    for sentence in composer.sentences():
        pair = realise(sentence)
        lengths_fit = all(len(line.split()) in WORDS_ALLOWED for line in (pair.english, pair.french))
        if not lengths_fit or pair.english in seen:
            continue
        seen.add(pair.english)
        (unshown if any(map(is_held_out, combinations(sentence))) else shown).append(pair)
        if len(shown) == training_pairs + EVALUATION_PAIRS:
            break
    train, validation = shown[:training_pairs], shown[training_pairs:]
    return Splits(train, validation, _covered(unshown, train)[:EVALUATION_PAIRS])


def write_corpus(directory: Path, seed: int = 1, training_pairs: int = 20000) -> bool:
    """Writes the corpus into a directory; returns False if exactly this corpus is there already.

    Only files that an earlier call wrote, and nobody has changed since, are replaced: their hashes are in `STAMP`.

    Raises:
        StorageError: the directory cannot be written, or holds files of these names that are somebody else's.
    """
    contents = _files(generate(seed, training_pairs))
    wanted = {name: _stamp(name, content) for name, content in contents.items()}
    present = {name: _stamp_of_file(directory, name) for name in contents}
    if present == wanted:
        return False
    ours = {*_stamps(directory), *wanted.values(), None}
    foreign = [name for name, stamp in present.items() if stamp not in ours]
    if foreign:
        what = "was not written by this program, or was changed since; choose another directory, or remove the file"
        raise StorageError.from_problems([Problem(str(directory / name), what) for name in foreign])
    make_directory(directory)
    # With what stands there still, so that after a run that was killed half way the next one knows all as ours.
    write_file(directory / STAMP, _lines([*filter(None, present.values()), *wanted.values()]))
    for name, content in contents.items():
        if present[name] != wanted[name]:
            write_file(directory / name, content)
    write_file(directory / STAMP, _lines(wanted.values()))
    return True


def _stamp(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()}  {name}"


def _stamp_of_file(directory: Path, name: str) -> str | None:
    """Returns the stamp of a file, an empty one for a link that leads nowhere; None if there is nothing."""
    path = directory / name
    try:
        return _stamp(name, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return "" if path.is_symlink() else None
    except OSError as error:
        raise StorageError(str(path), error.strerror or str(error)) from error


def _stamps(directory: Path) -> list[str]:
    """Reads the stamps of the files that this program wrote into the directory."""
    path = directory / STAMP
    try:
        return path.read_bytes().decode(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageError(str(path), error.strerror or str(error)) from error


def _covered(pairs: Iterable[Pair], train: Sequence[Pair]) -> list[Pair]:
    """Selects the pairs all of whose word forms occur often enough in training, in each language."""
    english = Counter(form for pair in train for form in word_forms(pair.english))
    french = Counter(form for pair in train for form in word_forms(pair.french))

    def is_known(line: str, counts: Mapping[str, int]) -> bool:
        return all(counts.get(form, 0) >= OCCURRENCES_BEFORE_TEST for form in word_forms(line))

    return [pair for pair in pairs if is_known(pair.english, english) and is_known(pair.french, french)]


def _files(splits: Splits) -> dict[str, bytes]:
    files = {}
    for split, pairs in splits._asdict().items():
        files[f"{split}.en"] = _lines(pair.english for pair in pairs)
        files[f"{split}.fr"] = _lines(pair.french for pair in pairs)
    files["test.align"] = _lines(" ".join(f"{i}-{j}" for i, j in pair.alignment) for pair in splits.test)
    return files


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
