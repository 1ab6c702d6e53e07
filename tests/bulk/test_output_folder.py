"""What is in an output: which files are shards, when a job is finished, and workers that are killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulk_work import error_lines, make_spec, translate_inputs, written, written_rows
from nmt.bulk.attempts import KILLED, Attempts
from nmt.bulk.columns import Columns
from nmt.bulk.output_folder import OutputFolder
from nmt.bulk.shards import ShardName, find_gap
from nmt.errors import MemoryExhaustedError, StorageError
from nmt.io.locks import RunLock
from nmt.search.options import SamplingOptions
from nmt.translation.translator import Translator

ONE = ShardName("a.txt", 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    return OutputFolder(str(tmp_path / "out"), "text")


@pytest.mark.parametrize("file", ["a.txt", "_a.txt", ".a", "sub/a-1-2.txt"])
def test_a_shard_is_listed_as_it_was_written(file, folder) -> None:
    shard = ShardName(file, 7, 1_000_000_000_000)
    folder.write_shard(shard, b"", [])
    assert folder.shards({file}) == [shard] and folder.shards({"other"}) == []


def test_other_files_are_no_shards(folder, tmp_path) -> None:
    folder.write_shard(ONE, b"", ["{}"])
    for name in (
        "notes.txt",
        "a.txt-1-2.txt",
        "a.txt-000000000001-000000000002.jsonl",
        ".nmt-temporary-1-a.txt-000000000001-000000000002.txt",
        "sub/.nmt-temporary-1-000000000001-000000000002.txt",
    ):
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text("")
    assert folder.shards({"a.txt", ".nmt-temporary-1-a.txt", "sub/.nmt-temporary-1"}) == [ONE]


@pytest.mark.parametrize(
    ("ranges", "rows", "what"),
    [
        ([(1, 2), (3, 5)], 5, None),
        ([(1, 0)], 0, None),
        ([], 0, "lacks the file of no rows"),
        ([], 5, "lacks rows 1 to 5"),
        ([(3, 5)], 5, "lacks rows 1 to 2"),
        ([(1, 2), (4, 5)], 5, "lacks rows 3 to 3"),
        ([(1, 2)], 5, "lacks rows 3 to 5"),
        ([(1, 2), (2, 5)], 5, "has row 2 twice"),
        ([(1, 6)], 5, "has rows up to 6, of 5"),
    ],
)
def test_shards_of_a_file_have_each_row_once_or_not(ranges, rows, what) -> None:
    assert find_gap([ShardName("a", first, last) for first, last in ranges], rows) == what


def test_a_job_whose_shard_is_gone_is_not_finished(folder, tmp_path) -> None:
    with folder.locked():
        assert folder.begin({}, {}) is None
        folder.write_shard(ONE, b"", [])
        folder.write_shard(ShardName("a.txt", 3, 3), b"", [])
        with pytest.raises(StorageError, match=r"lacks rows 4 to 5 of a\.txt"):
            folder.finish({}, {"a.txt": 5}, 0)
        folder.finish({}, {"a.txt": 3}, 0)
        assert folder.begin({}, {}) == {"rows": {"a.txt": 3}, "errors": 0}
        assert folder.find_gap({"a.txt": 3}) is None
        (tmp_path / "out" / f"{ONE}.txt").rename(tmp_path / "out" / "b.txt-000000000001-000000000002.txt")
        assert folder.find_gap({"a.txt": 3}) == "lacks rows 1 to 2 of a.txt"


def test_errors_are_those_of_shards_that_are_there_and_of_this_attempt(folder) -> None:
    folder.write_shard(ONE, b"", ["{}"])
    two = ShardName("a.txt", 3, 4)
    folder.write_shard(two, b"", ["{}", "{}"])
    assert folder.count_errors([ONE, two]) == 3 and folder.count_errors([two]) == 2
    folder.write_shard(ONE, b"", [])
    assert folder.count_errors([ONE, two]) == 2


def test_errors_are_written_before_their_shard(folder, tmp_path) -> None:
    (tmp_path / "out" / f"{ONE}.txt").mkdir(parents=True)  # where the shard cannot be written
    with pytest.raises(StorageError):
        folder.write_shard(ONE, b"", ["{}"])
    assert folder.count_errors([ONE]) == 1


def test_what_killed_workers_leave_is_removed_also_where_a_job_fails(folder, tmp_path) -> None:
    left = [tmp_path / "out" / name for name in (".nmt-temporary-1-a", "sub/.nmt-temporary-1-b", "_attempts/a.json")]

    def leave() -> None:
        for path in left:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        (tmp_path / "out" / "sub" / "a.txt").write_text("")

    def fail() -> None:
        leave()
        raise StorageError("a", "b")

    leave()
    with folder.locked():
        assert not any(path.exists() for path in left)
        leave()
    assert not any(path.exists() for path in left)
    with pytest.raises(StorageError), folder.locked():
        fail()
    assert not any(path.exists() for path in left) and not (tmp_path / "out" / "_attempts").exists()
    with RunLock(tmp_path / "out"):
        pass


def run_until_done(inputs: list[Path], spec: Any) -> int:
    """Begins again as Ray does after the death of a worker; returns the number of deaths."""
    for deaths in range(99):
        try:
            for result in translate_inputs(inputs, spec):
                result.raise_failure()
        except KeyboardInterrupt:
            continue
        return deaths
    raise AssertionError("without an end")


def killing(monkeypatch: pytest.MonkeyPatch, poison: set[str]) -> None:
    translate = Translator.translate

    def kill(self: Translator, lines: Any, *arguments: Any, **options: Any) -> Any:
        if poison.intersection(lines):
            raise KeyboardInterrupt
        return translate(self, lines, *arguments, **options)

    monkeypatch.setattr(Translator, "translate", kill)


def test_a_row_that_kills_its_workers_is_found_and_left_out(translator, tmp_path, monkeypatch) -> None:
    killing(monkeypatch, {"fo ha"})
    texts = [*(f"ba {word}" for word in ("ce", "di", "fo", "gu", "ha")), "fo ha", "ba ki", None, "ba mu"]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text, "id": text}) + "\n" for text in texts))
    columns = Columns(id="id")
    spec = make_spec(translator, [tmp_path / "in.jsonl"], tmp_path / "out", columns=columns, max_rows=100)
    assert run_until_done([tmp_path / "in.jsonl"], spec) == 3 + 3  # of nine rows
    expected = [None if text in ("fo ha", None) else translator.translate([text])[0].text for text in texts]
    assert [row["translation"] for row in written_rows(tmp_path / "out")] == expected
    assert error_lines(tmp_path / "out") == [
        {"file": "in.jsonl", "row": 6, "id": "fo ha", "error": KILLED},
        {"file": "in.jsonl", "row": 8, "error": "has no id"},
    ]
    assert list((tmp_path / "out" / "_attempts").iterdir()) == []


def test_deaths_by_chance_change_nothing(translator, tmp_path, monkeypatch) -> None:
    poison = {"ba"}
    killing(monkeypatch, poison)
    (tmp_path / "in.txt").write_text("ba\nce\n")
    spec = make_spec(translator, [tmp_path / "in.txt"], tmp_path / "out")
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            translate_inputs([tmp_path / "in.txt"], spec)
    poison.clear()
    assert run_until_done([tmp_path / "in.txt"], spec) == 0
    assert list(written(tmp_path / "out").values()) == [
        "".join(f"{one.text}\n" for one in translator.translate(["ba", "ce"]))
    ]


def test_a_shard_that_kills_every_worker_ends_the_job_by_name(translator, tmp_path, monkeypatch) -> None:
    lines = [f"{number} ba" for number in range(40)]
    killing(monkeypatch, set(lines))
    (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in lines))
    spec = make_spec(translator, [tmp_path / "in.txt"], tmp_path / "out", max_rows=100)
    with pytest.raises(MemoryExhaustedError, match=r"in\.txt:1-40: 33 workers were killed over these rows"):
        run_until_done([tmp_path / "in.txt"], spec)


def test_halves_of_a_batch_keep_their_samples(translator, tmp_path, monkeypatch) -> None:
    """Rows that are translated in halves, since memory does not suffice, draw what they would have drawn."""
    (tmp_path / "in.txt").write_text("ba ce di fo\n" * 8)
    options = {"sampling": SamplingOptions(temperature=3.0)}
    texts = []
    translate = Translator.translate

    def limited(self: Translator, lines: Any, *arguments: Any, **options: Any) -> Any:
        if len(lines) > 2:
            raise MemoryExhaustedError("line 1", "out of memory")
        return translate(self, lines, *arguments, **options)

    for name in ("whole", "halves"):
        if name == "halves":
            monkeypatch.setattr(Translator, "translate", limited)
        translate_inputs(
            [tmp_path / "in.txt"],
            make_spec(translator, [tmp_path / "in.txt"], tmp_path / name, options=options, max_rows=8),
        )
        texts.append(list(written(tmp_path / name).values()))
    assert texts[0] == texts[1] and len(set(texts[0][0].split("\n"))) > 4


def test_rows_of_several_files_draw_samples_of_their_own(translator, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        (tmp_path / "in" / f"{name}.txt").write_text("ba ce di fo\n" * 5)
    options = {"sampling": SamplingOptions(temperature=3.0)}
    translate_inputs([tmp_path / "in"], make_spec(translator, [tmp_path / "in"], tmp_path / "out", options=options))
    assert all(len(set(text.splitlines())) > 2 for text in written(tmp_path / "out").values())


def test_an_attempt_notes_what_it_is_at(folder) -> None:
    attempts = folder.attempts(ONE)
    assert isinstance(attempts, Attempts)
    notes = [json.loads(Path(attempts.location.path).read_bytes()) for _ in attempts.each()]
    assert notes == [{"deaths": 0, "pieces": [[0, 2]], "running": 0}]
    attempts.end()
    assert folder.attempts(ONE).deaths == 0


def test_names_of_columns_are_text() -> None:
    from nmt.errors import ConfigError

    with pytest.raises(ConfigError, match=r"--to: is '\\udcff': expected a name in UTF-8"):
        Columns(to="\udcff")
