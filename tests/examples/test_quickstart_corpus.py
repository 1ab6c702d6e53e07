"""Claims about the corpus as a whole, on a small one and, where only size shows it, on a larger sample."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest

from examples.quickstart_corpus import corpus
from examples.quickstart_corpus.combinations import combinations, is_held_out
from examples.quickstart_corpus.composer import SentenceComposer
from examples.quickstart_corpus.corpus import (
    OCCURRENCES_BEFORE_TEST,
    STAMP,
    Pair,
    Splits,
    generate,
    realise,
    word_forms,
    write_corpus,
)
from examples.quickstart_corpus.lexicon import load_lexicon
from examples.quickstart_corpus.syntax import Sentence
from nmt.errors import StorageError
from nmt.io.atomic_files import write_file

ROOT = Path(__file__).parents[2]
FILES = ["test.align", "test.en", "test.fr", "train.en", "train.fr", "validation.en", "validation.fr"]
# Written here once more, so that the tests of elision do not ask the code what to expect of it.
MUTE_H = {"habite", "habites", "habitons", "habitent", "habiter", "herbe", "hier", "histoire", "histoires", "homme"}
MUTE_H |= {"hommes", "honnête", "honnêtes", "horloge", "horloges", "hôpital", "hôpitaux", "hôtel", "hôtels"}
MUTE_H |= {"huître", "huîtres", "hélicoptère", "hélicoptères", "heureux", "heureuse", "heureuses", "hirondelle"}
MUTE_H |= {"hirondelles", "hiver"}
ASPIRATED_H = {"hache", "haches", "hamster", "hamsters", "haricot", "haricots", "harpe", "harpes", "hérisson"}
ASPIRATED_H |= {"hérissons", "héros", "hibou", "hiboux", "homard", "homards", "huit"}


@pytest.fixture(scope="module")
def splits() -> Splits:
    return generate(1, 10000)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def pairs(splits: Splits) -> list[Pair]:
    return [pair for split in splits for pair in split]


@pytest.fixture(scope="module")
def sentences() -> list[Sentence]:
    return list(islice(SentenceComposer(Random(7), load_lexicon()).sentences(), 4000))


def test_sizes_are_as_promised(splits: Splits) -> None:
    assert [len(split) for split in splits] == [10000, 500, 500]


def test_english_sentences_are_distinct(pairs: list[Pair]) -> None:
    assert len({pair.english for pair in pairs}) == len(pairs)


def test_one_english_sentence_has_one_french(sentences: list[Sentence], pairs: list[Pair]) -> None:
    french = {pair.english: pair.french for pair in pairs}
    for pair in map(realise, sentences):
        assert french.setdefault(pair.english, pair.french) == pair.french


def test_test_words_occur_often_enough_in_training(splits: Splits) -> None:
    for side in (0, 1):
        counts = Counter(form for pair in splits.train for form in word_forms(pair[side]))
        for pair in splits.test:
            assert all(counts[form] >= OCCURRENCES_BEFORE_TEST for form in word_forms(pair[side])), pair


def test_held_out_combinations_are_only_in_the_test(splits: Splits) -> None:
    shown = {pair.english for pair in (*splits.train, *splits.validation)}
    unshown = {pair.english for pair in splits.test}
    drawn_shown = drawn_unshown = 0
    for sentence in islice(SentenceComposer(Random(1), load_lexicon()).sentences(), 5000):
        english = realise(sentence).english
        is_unshown = any(map(is_held_out, combinations(sentence)))
        assert english not in (shown if is_unshown else unshown)
        drawn_shown += english in shown
        drawn_unshown += english in unshown
    assert drawn_shown > 2000 and drawn_unshown > 300


def test_sentences_have_3_to_30_words(pairs: list[Pair]) -> None:
    lengths = [len(line.split()) for pair in pairs for line in (pair.english, pair.french)]
    assert min(lengths) >= 3 and 20 < max(lengths) <= 30
    assert sum(5 <= length <= 15 for length in lengths) > 0.75 * len(lengths)


def elides(word: str) -> bool:
    """Whether a vowel before the word is left out."""
    word = word.lower().strip(",.")
    if word.startswith("h"):
        assert word in MUTE_H | ASPIRATED_H, f"{word!r}: add it to one of the two lists"
        return word in MUTE_H
    return word.startswith(tuple("aâeéèêiîoôuœ")) or word == "y"


def test_elision_is_never_missing(pairs: list[Pair]) -> None:
    for pair in pairs:
        words = pair.french.replace("?", "").split()
        for current, following in pairwise(words):
            if current.lower() in {"le", "la", "de", "ne", "que", "je", "me", "te", "se"}:
                assert not elides(following), pair.french
            if "'" in following or "'" in current:
                assert not re.search(r"'$", current), pair.french


def test_nothing_elides_before_a_consonant(pairs: list[Pair]) -> None:
    for pair in pairs:
        for following in re.findall(r"\b\w+'(\w[\w-]*)", pair.french.lower().replace("aujourd'hui", "")):
            assert elides(following), pair.french


def test_contraction_is_never_missing(pairs: list[Pair]) -> None:
    clitic = re.compile(r"\b(?:[dD]e|à) le[s]? (\w+)")
    infinitives = {verb.french for verb in load_lexicon().verbs}
    for pair in pairs:
        assert all(following in infinitives for following in clitic.findall(pair.french)), pair.french


def test_typography(pairs: list[Pair]) -> None:
    for pair in pairs:
        assert pair.english[0].isupper() and pair.french[0].isupper()
        assert pair.english.endswith("?") == pair.french.endswith(" ?")
        assert re.fullmatch(r"[\w' ,-]+[.?]", pair.english) and re.fullmatch(r"[\w' ,-]+(\.| \?)", pair.french)
        assert "  " not in pair.english + pair.french and " ," not in pair.english + pair.french


def test_every_word_is_aligned_and_in_range(pairs: list[Pair]) -> None:
    for pair in pairs:
        source, target = pair.english.split(), pair.french.split()
        assert {i for i, _ in pair.alignment} == set(range(len(source))), pair
        assert {j for _, j in pair.alignment} == set(range(len(target))), pair


def test_a_name_is_aligned_with_itself(pairs: list[Pair]) -> None:
    names = {name.text for name in load_lexicon().names}
    for pair in pairs:
        source, target = pair.english.split(), pair.french.split()
        for i, word in enumerate(source):
            name = word.rstrip(".,?").removesuffix("'s")
            if name in names:
                assert any(name in target[j] for k, j in pair.alignment if k == i), pair


def test_the_seed_decides() -> None:
    assert generate(3, 200) == generate(3, 200)
    assert generate(3, 200).train != generate(4, 200).train


def test_the_lexicon_is_large_enough() -> None:
    lexicon = load_lexicon()
    assert len(lexicon.nouns) >= 150 and len({verb.french for verb in lexicon.verbs}) >= 60
    assert len(lexicon.adjectives) >= 60


def test_files_are_written_once(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "quickstart"
    assert write_corpus(directory, seed=2, training_pairs=300)
    assert sorted(path.name for path in directory.iterdir()) == sorted([*FILES, STAMP])
    before = {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
    assert not write_corpus(directory, seed=2, training_pairs=300)
    assert {path.name: path.stat().st_mtime_ns for path in directory.iterdir()} == before


def test_a_file_that_is_missing_is_written_again(tmp_path: Path) -> None:
    write_corpus(tmp_path, seed=2, training_pairs=50)
    content = (tmp_path / "test.fr").read_bytes()
    (tmp_path / "test.fr").unlink()
    assert write_corpus(tmp_path, seed=2, training_pairs=50)
    assert (tmp_path / "test.fr").read_bytes() == content


def test_another_corpus_of_ours_is_replaced(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a", seed=2, training_pairs=50)
    for seed in (3, 4, 2):
        assert write_corpus(tmp_path / "b", seed, training_pairs=50)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_files_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train.en").write_text("mine\n")
    (tmp_path / "test.fr").symlink_to("nowhere")
    with pytest.raises(StorageError, match=r"train\.en: was not written by this program") as raised:
        write_corpus(tmp_path, seed=2, training_pairs=50)
    assert raised.value.exit_code == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.fr", "train.en"]
    assert (tmp_path / "train.en").read_text() == "mine\n"


def test_a_file_of_ours_that_was_changed_is_left_alone(tmp_path: Path) -> None:
    write_corpus(tmp_path, seed=2, training_pairs=50)
    with (tmp_path / "train.fr").open("a") as file:
        file.write("encore\n")
    before = contents(tmp_path)
    for seed in (2, 3):
        with pytest.raises(StorageError, match=r"train\.fr: was not written"):
            write_corpus(tmp_path, seed, training_pairs=50)
    assert contents(tmp_path) == before


def test_interrupted_half_way_it_can_be_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path, seed=2, training_pairs=50)
    left = [STAMP, "train.en", "train.fr"]

    def write_some(path: Path, data: bytes) -> None:
        if path.name not in left:
            raise KeyboardInterrupt
        write_file(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(corpus, "write_file", write_some)
        with pytest.raises(KeyboardInterrupt):
            write_corpus(tmp_path, seed=3, training_pairs=50)
    write_corpus(tmp_path, seed=4, training_pairs=50)
    write_corpus(tmp_path / "other", seed=4, training_pairs=50)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == {
        name: (tmp_path / "other" / name).read_bytes() for name in FILES
    }


def test_lines_correspond(tmp_path: Path) -> None:
    write_corpus(tmp_path, seed=2, training_pairs=1500)
    texts = {name: (tmp_path / name).read_bytes().decode() for name in FILES}
    counts = {name: text.count("\n") for name, text in texts.items()}
    assert counts["train.en"] == counts["train.fr"] == 1500
    assert counts["test.en"] == counts["test.fr"] == counts["test.align"]
    assert all(text.endswith("\n") and "\r" not in text for text in texts.values())
    for line in texts["test.align"].splitlines():
        assert re.fullmatch(r"\d+-\d+( \d+-\d+)*", line)


def test_a_directory_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        write_corpus(tmp_path / "file" / "below", seed=2, training_pairs=50)


def test_the_output_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from examples.quickstart_corpus.corpus import write_corpus; "
        "write_corpus(Path(sys.argv[1]), 5, 100)"
    )
    for hash_seed in ("1", "2"):
        directory = tmp_path / hash_seed
        directory.mkdir()
        command = [sys.executable, "-c", program, str(directory)]
        subprocess.run(command, cwd=ROOT, env={"PYTHONHASHSEED": hash_seed}, check=True)
    assert (tmp_path / "1" / "train.fr").read_bytes() == (tmp_path / "2" / "train.fr").read_bytes()


def test_the_generator_imports_neither_torch_nor_numpy() -> None:
    program = "import sys, examples.quickstart_corpus.corpus; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
