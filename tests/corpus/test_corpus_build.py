import gzip
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nmt.corpus.build import build_corpus
from nmt.corpus.cleaning import CHUNK_PAIRS, PairFilter
from nmt.corpus.encoding import encode_in_order, id_type
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.report import Reason
from nmt.corpus.store import Store
from nmt.errors import DataError, InputFileError, MemoryExhaustedError, StorageError
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers

FILTER = PairFilter(max_length=100)


@pytest.fixture(scope="session")
def encoder(source_tokenizer: Tokenizer, target_tokenizer: Tokenizer) -> Tokenizers:
    return Tokenizers(source_tokenizer, target_tokenizer)


@pytest.fixture
def files(tmp_path: Path, lines: list[str]) -> CorpusFiles:
    return written(tmp_path, lines, lines[::-1])


def written(directory: Path, source: list[str], target: list[str]) -> CorpusFiles:
    for name, texts in (("a.en", source), ("a.fr", target)):
        (directory / name).write_text("\n".join(texts) + "\n", encoding="utf-8")
    return CorpusFiles((str(directory / "a.en"),), (str(directory / "a.fr"),))


def unexpected(message: str) -> None:
    raise AssertionError(f"unexpected warning: {message}")


def nothing(_pairs: int) -> None:
    """No progress is wanted."""


def prepared(
    directory: Path,
    files: CorpusFiles,
    encoder: Tokenizers,
    pair_filter: PairFilter = FILTER,
    processes: int = 1,
    progress: Callable[[int], None] = nothing,
) -> Store:
    return build_corpus(directory, files, encoder, pair_filter, processes=processes, progress=progress, warn=unexpected)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_store_holds_the_ids_of_every_pair(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, lines: list[str]
) -> None:
    store = prepared(tmp_path / "corpus", files, encoder)
    assert len(store) == len(lines)
    source, target = encoder.source.encode(lines), encoder.target.encode(lines[::-1])
    for index in range(0, len(lines), 97):
        assert store.source(index).tolist() == source[index]
        assert store.target(index).tolist() == target[index]
    some = np.array([5, 0, 9999])
    assert store.source_lengths(some).tolist() == [len(source[index]) for index in some]
    assert store.target_lengths(some).tolist() == [len(target[index]) for index in some]
    assert store.target_tokens == sum(map(len, target)) + len(lines)
    assert store.report.lines() == ["10,000 pairs read, 10,000 kept"]


def test_a_store_takes_16_bytes_a_pair_beyond_its_ids(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    store = prepared(tmp_path / "corpus", files, encoder)
    ids = int(store.source_lengths(np.arange(len(store))).sum()) + store.target_tokens - len(store)
    size = sum(len(content) for content in contents(tmp_path / "corpus").values())
    assert size <= 2 * ids + 16 * len(store) + 1000


def test_several_processes_make_the_same_bytes_as_one(tmp_path: Path, lines: list[str], encoder: Tokenizers) -> None:
    spoiled = [*lines]
    spoiled[100:9000:500] = [""] * len(spoiled[100:9000:500])
    spoiled[50:9000:500] = ["ba " * 30] * len(spoiled[50:9000:500])
    files = written(tmp_path, spoiled, lines[::-1])
    strict = PairFilter(max_length=25, max_length_ratio=2.0, drop_duplicates=True)
    stores = [prepared(tmp_path / str(processes), files, encoder, strict, processes) for processes in (1, 3)]
    assert {item.reason for item in stores[0].report.left_out} >= {Reason.BLANK, Reason.LENGTH, Reason.RATIO}
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_compressed_files_make_the_same_ids(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    packed = tmp_path / "a.en.gz"
    packed.write_bytes(gzip.compress(Path(files.source[0]).read_bytes()))
    prepared(tmp_path / "plain", files, encoder)
    prepared(tmp_path / "packed", CorpusFiles((str(packed),), files.target), encoder)
    plain, unpacked = contents(tmp_path / "plain"), contents(tmp_path / "packed")
    del plain["corpus.json"], unpacked["corpus.json"]  # the fingerprint is of the files as they are
    assert plain == unpacked


def test_what_is_left_out_is_reported_with_its_lines(tmp_path: Path, encoder: Tokenizers) -> None:
    files = written(tmp_path, ["ba", "", "ba", "ba", "ba ce di fo gu"], ["ce", "ce", "ce", "\ufeff", "ce"])
    store = prepared(tmp_path / "corpus", files, encoder, PairFilter(4, None, drop_duplicates=True))
    name = files.source[0]
    assert len(store) == 1
    assert store.report.lines() == [
        "5 pairs read, 1 kept",
        f"2 left out: one side is blank ({name}:2, {name}:4)",
        f"1 left out: more tokens than data.max_length ({name}:5)",
        f"1 left out: the same pair came before ({name}:3)",
    ]


def test_the_places_reported_are_the_first_ones(tmp_path: Path, encoder: Tokenizers) -> None:
    # Of nothing but control characters, the tokenizer makes nothing: blank too, but seen later than an empty line.
    assert encoder.source.encode(["\x01"]) == [[]]
    files = written(tmp_path, ["\x01"] * 3 + [""] * 9 + ["ba"], ["ba"] * 13)
    store = prepared(tmp_path / "corpus", files, encoder)
    (blank,) = store.report.left_out
    assert (blank.count, [place.line for place in blank.examples]) == (12, [1, 2, 3, 4, 5])


def test_an_unchanged_corpus_is_not_made_again(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    first = prepared(tmp_path / "corpus", files, encoder)
    made = (tmp_path / "corpus" / "source.ids").stat()
    os.utime(files.source[0], (1, 1))
    second = prepared(tmp_path / "corpus", files, encoder)
    assert second.fingerprint == first.fingerprint
    assert (tmp_path / "corpus" / "source.ids").stat().st_ino == made.st_ino


def test_a_changed_text_filter_or_tokenizer_makes_it_anew(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, lines: list[str]
) -> None:
    place = tmp_path / "corpus"
    seen = {prepared(place, files, encoder).fingerprint}
    seen.add(prepared(place, files, encoder, PairFilter(max_length=99)).fingerprint)
    seen.add(prepared(place, files, Tokenizers(encoder.target, encoder.source)).fingerprint)
    written(tmp_path, [*lines[:-1], "ba ce"], lines[::-1])
    changed = prepared(place, files, encoder)
    assert len({*seen, changed.fingerprint}) == 4
    assert encoder.source.decode(changed.source(len(lines) - 1).tolist()) == "ba ce"


@pytest.mark.parametrize("name", ["source.ids", "target.offsets", "corpus.json"])
@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-4], lambda whole: whole + whole[:8], lambda whole: bytes(len(whole))]
)
def test_a_damaged_store_is_made_anew(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, name: str, damage: Callable[[bytes], bytes]
) -> None:
    place = tmp_path / "corpus"
    prepared(place, files, encoder)
    whole = contents(place)
    (place / name).write_bytes(damage(whole[name]))
    prepared(place, files, encoder)
    assert contents(place) == whole


@pytest.mark.parametrize("name", ["source.ids", "source.offsets", "target.ids", "target.offsets"])
def test_files_that_do_not_fit_together_are_not_opened(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, name: str
) -> None:
    place = tmp_path / "corpus"
    prepared(place, files, encoder)
    path = place / name
    whole = path.read_bytes()
    for content in (whole[:-8], whole + bytes(8), *([bytes(len(whole))] if name.endswith("offsets") else [])):
        path.write_bytes(content)
        with pytest.raises(DataError, match="no corpus that can be used"):
            Store.open(place)
    path.unlink()
    with pytest.raises(DataError, match="no corpus that can be used"):
        Store.open(place)


@pytest.mark.parametrize("text", ["[]", "{}", "[" * 10_000, '{"format": 1, "corpus": {}, "report": {}}', "\x00"])
def test_a_description_of_something_else_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / "corpus.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="no corpus"):
        Store.open(tmp_path)


@pytest.mark.parametrize("count", ["1e999", "NaN"])
def test_a_report_of_impossible_counts_is_damage(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, count: str
) -> None:
    prepared(tmp_path / "corpus", files, encoder)
    path = tmp_path / "corpus" / "corpus.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"read": 10000', f'"read": {count}'), encoding="utf-8")
    with pytest.raises(DataError, match="no corpus"):
        Store.open(tmp_path / "corpus")


def test_progress_counts_all_pairs_and_may_end_the_work(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers
) -> None:
    told: list[int] = []
    prepared(tmp_path / "corpus", files, encoder, progress=told.append)
    assert told == [0, 0, CHUNK_PAIRS, 2 * CHUNK_PAIRS, 10_000]

    def stop(pairs: int) -> None:
        if pairs:
            raise KeyboardInterrupt

    before = contents(tmp_path / "corpus")
    for processes in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            prepared(tmp_path / "corpus", files, encoder, PairFilter(9), processes, stop)
    assert contents(tmp_path / "corpus") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.en", "a.fr", "corpus"]


def test_unequal_files_leave_nothing(tmp_path: Path, lines: list[str], encoder: Tokenizers) -> None:
    files = written(tmp_path, lines, lines[:-1])
    for processes in (1, 2):
        with pytest.raises(DataError, match=r"a\.en: 10000 lines, but its translation .*a\.fr has 9999"):
            prepared(tmp_path / "corpus", files, encoder, processes=processes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.en", "a.fr"]


def test_a_corpus_of_which_nothing_is_left_is_an_error(tmp_path: Path, encoder: Tokenizers) -> None:
    files = written(tmp_path, ["", "ba ce di"], ["ba", "ba"])
    with pytest.raises(DataError, match="no pair is left to train on: 2 pairs read, 0 kept; 1 left out: one"):
        prepared(tmp_path / "corpus", files, encoder, PairFilter(1))


def test_missing_files_are_an_error_before_any_work(tmp_path: Path, encoder: Tokenizers) -> None:
    with pytest.raises(InputFileError, match="gone"):
        prepared(tmp_path / "run" / "corpus", CorpusFiles((str(tmp_path / "gone"),), (__file__,)), encoder)
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_an_error_that_names_the_place(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StorageError) as raised:
            prepared(tmp_path / "corpus", files, encoder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.problems[0].where == str(tmp_path / "corpus")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.en", "a.fr"]


SIGNALLED = """
import os, signal, sys
from pathlib import Path
from nmt.corpus.cleaning import PairFilter
from nmt.corpus.encoding import Tokenizers
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.build import build_corpus

def progress(pairs):
    if pairs and action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if pairs and action == "interrupt":
        os.killpg(0, signal.SIGINT)
    if pairs and action == "ignore":
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
            os.killpg(0, number)

if __name__ == "__main__":
    action, place, source, target, *models = sys.argv[1:]
    files = CorpusFiles((source,), (target,))
    encoder = Tokenizers.from_models(*(Path(model).read_bytes() for model in models))
    build_corpus(Path(place), files, encoder, PairFilter(100), processes=2, progress=progress, warn=print)
"""


def signalled(
    action: str, directory: Path, files: CorpusFiles, encoder: Tokenizers, folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Prepare in a process that signals after each chunk: itself, or its group as a terminal would."""
    script = directory / "signalled.py"
    script.write_text(SIGNALLED, encoding="utf-8")
    models = [directory / "source.model", directory / "target.model"]
    for path, tokenizer in zip(models, encoder, strict=True):
        path.write_bytes(tokenizer.model)
    command: list[str | Path] = [
        sys.executable,
        script,
        action,
        directory / "run" / "corpus",
        *files.source,
        *files.target,
        *models,
    ]
    # Workers hold the same standard output and error: these close only when the last of them has ended.
    return subprocess.run(command, capture_output=True, timeout=60, check=False, start_new_session=True, cwd=folder)


def test_a_script_is_not_imported_by_the_processes_that_encode_for_it(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "SIGNALLED", SIGNALLED.replace('if __name__ == "__main__":', "if True:"))
    ended = signalled("none", tmp_path, files, encoder)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "run" / "corpus").exists()


def test_a_script_on_standard_input_prepares_a_corpus(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    models = [tmp_path / "source.model", tmp_path / "target.model"]
    for path, tokenizer in zip(models, encoder, strict=True):
        path.write_bytes(tokenizer.model)
    given = ["none", tmp_path / "corpus", *files.source, *files.target, *models]
    command = [sys.executable, "-", *map(str, given)]
    done = subprocess.run(command, input=SIGNALLED.encode(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "corpus").exists()


def test_killed_half_way_nothing_is_believed(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    run = tmp_path / "run"
    assert signalled("kill", tmp_path, files, encoder).returncode == -signal.SIGKILL
    assert [path.name for path in run.iterdir()] != []
    assert not (run / "corpus").exists()
    prepared(run / "corpus", files, encoder)
    prepared(tmp_path / "other", files, encoder)
    assert contents(run / "corpus") == contents(tmp_path / "other")
    assert [path.name for path in run.iterdir()] == ["corpus"]


def test_an_interrupt_ends_all_processes_and_leaves_nothing(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers
) -> None:
    ended = signalled("interrupt", tmp_path, files, encoder)
    assert ended.returncode == -signal.SIGINT
    assert list((tmp_path / "run").iterdir()) == []


def test_workers_leave_signals_to_the_process_that_started_them(
    tmp_path: Path, files: CorpusFiles, encoder: Tokenizers
) -> None:
    ended = signalled("ignore", tmp_path, files, encoder)
    assert (ended.returncode, ended.stderr) == (0, b"")
    prepared(tmp_path / "other", files, encoder)
    assert contents(tmp_path / "run" / "corpus") == contents(tmp_path / "other")


def test_modules_in_the_current_folder_are_not_run(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    folder, touched = tmp_path / "corpora", tmp_path / "touched"
    folder.mkdir()
    for name in ("multiprocessing", "pickle", "numpy", "signal", "sitecustomize"):
        (folder / f"{name}.py").write_text(f"from pathlib import Path\nPath({str(touched)!r}).touch()\n")
    ended = signalled("none", tmp_path, files, encoder, folder)
    assert (ended.returncode, ended.stderr, touched.exists()) == (0, b"", False)


class Texts:
    """A chunk of lines, the same on both sides."""

    def __init__(self, texts: list[str]) -> None:
        self.sources = self.targets = texts


def test_chunks_come_back_in_order_whatever_their_size(encoder: Tokenizers, lines: list[str]) -> None:
    chunks = [Texts(lines[: 2000 if number % 3 == 0 else 5]) for number in range(12)]
    answered = list(encode_in_order(iter(chunks), encoder, processes=3))
    assert [texts for texts, _ in answered] == chunks
    for texts, encoded in answered:
        assert encoded.source.ids.tolist() == [number for ids in encoder.source.encode(texts.sources) for number in ids]
        assert encoded.target.lengths.tolist() == [len(ids) for ids in encoder.target.encode(texts.targets)]


def test_few_chunks_are_read_ahead(encoder: Tokenizers, lines: list[str]) -> None:
    taken = 0

    def chunks() -> Iterator[Texts]:
        nonlocal taken
        while True:
            taken += 1
            yield Texts(lines[:10])

    answers = encode_in_order(chunks(), encoder, processes=2)
    for received in range(1, 20):
        next(answers)
        assert taken <= received + 2
    answers.close()


def test_a_worker_that_is_killed_is_an_error_and_no_hang(encoder: Tokenizers, lines: list[str]) -> None:
    def chunks() -> Iterator[Texts]:
        for number in range(100):
            if number == 10:
                os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
            yield Texts(lines[:100])

    with pytest.raises(MemoryExhaustedError, match="exit code -9"):
        list(encode_in_order(chunks(), encoder, processes=2))
    assert multiprocessing.active_children() == []


def test_a_worker_that_fails_says_why(encoder: Tokenizers) -> None:
    impossible: list[Any] = [1, 2]
    with pytest.raises(RuntimeError, match="Traceback"):
        list(encode_in_order(iter([Texts(["ba"]), Texts(impossible)]), encoder, processes=2))
    assert multiprocessing.active_children() == []


class Enormous:
    """Comes out of the pipe as more bytes than there are."""

    def __reduce__(self) -> tuple[type[bytes], tuple[int]]:
        return bytes, (1 << 62,)


def test_a_worker_without_enough_memory_says_so(encoder: Tokenizers) -> None:
    enormous: list[Any] = [Enormous()]
    with pytest.raises(MemoryExhaustedError, match="ran out of memory"):
        list(encode_in_order(iter([Texts(["ba"]), Texts(enormous)]), encoder, processes=2))
    assert multiprocessing.active_children() == []


def test_workers_load_no_tensor_library() -> None:
    code = "import nmt.corpus.encoding, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("size", "name"), [(8, "<u2"), (65_536, "<u2"), (65_537, "<i4"), (250_000, "<i4")])
def test_ids_take_two_bytes_where_they_fit(size: int, name: str) -> None:
    assert id_type(size) == np.dtype(name)
    assert np.iinfo(id_type(size)).max >= size - 1


def test_a_report_is_readable_in_the_description(tmp_path: Path, files: CorpusFiles, encoder: Tokenizers) -> None:
    prepared(tmp_path / "corpus", files, encoder)
    description = json.loads((tmp_path / "corpus" / "corpus.json").read_bytes())
    assert description["report"] == {"read": 10_000, "kept": 10_000, "left_out": [], "by_file": [10_000]}
