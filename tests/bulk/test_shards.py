"""Rows in, the same rows out with their translations: every format, broken rows, and jobs that go on."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from bulk_work import error_lines, make_spec, translate_inputs, written, written_rows
from nmt.bulk.columns import Columns
from nmt.bulk.inputs import find_inputs
from nmt.bulk.reading import read_shards
from nmt.errors import DataError, InputFileError
from nmt.search.options import SamplingOptions
from nmt.translation.translator import Translator

LINES = [
    "ba ce di",
    "",
    "fo gu",
    "  ",
    "ha\u2028je",
    "ki lo mu ba",
    "1234",
    "di di di",
    "\ufeffba",
    "ce fo ha je ki",
    "lo",
]


@pytest.fixture(scope="module")
def translations(translator: Translator) -> list[str]:
    return [" ".join(one.text.splitlines()) for one in translator.translate(LINES)]


def write_text(path: Path, lines: list[str]) -> Path:
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["in.txt", "in.txt.gz", "in.en"])
def test_text_is_translated_line_by_line(name, translator, translations, tmp_path) -> None:
    file = write_text(tmp_path / name, LINES)
    done = translate_inputs([file], make_spec(translator, [file], tmp_path / "out"))
    shards = written(tmp_path / "out")
    assert list(shards) == [f"{name}-{first:012}-{last:012}.txt" for first, last in [(1, 5), (6, 10), (11, 11)]]
    assert "".join(shards.values()) == "".join(f"{line}\n" for line in translations)
    assert sum(one.rows for one in done) == len(LINES) and not any(one.errors for one in done)
    assert sum(one.bytes_read for one in done) == file.stat().st_size
    assert (done[-1].file, done[-1].rows_of_file) == (name, len(LINES))


def test_json_lines_keep_what_they_hold(translator, translations, tmp_path) -> None:
    rows = [
        f'{{"n": {number}.50,  "text": {json.dumps(line)}, "more": [1, {{"x": null}}]}}'
        for number, line in enumerate(LINES)
    ]
    file = write_text(tmp_path / "in.jsonl", rows)
    columns = Columns(score=True, confidence=True)
    translate_inputs([file], make_spec(translator, [file], tmp_path / "out", columns=columns))
    lines = "".join(written(tmp_path / "out").values()).splitlines()
    for row, line, text in zip(rows, lines, translations, strict=True):
        assert line.startswith(row[:-1])
        added = json.loads(line)
        assert added["translation"] == text and "error" not in added
        assert 0 < added["confidence"] <= 1 and added["score"] <= 0


@pytest.mark.parametrize(("name", "separator"), [("in.csv", ","), ("in.csv", ";"), ("in.tsv", "\t")])
def test_tables_keep_their_columns(name, separator, translator, translations, tmp_path) -> None:
    lines = [line.replace("\u2028", " ") for line in LINES]
    rows = [["id", "text", "other"], *([str(n), line, f'a "b", c;{n}'] for n, line in enumerate(lines))]
    file = tmp_path / name
    if name == "in.csv":
        with file.open("w", newline="") as opened:
            csv.writer(opened, delimiter=separator).writerows(rows)
    else:
        write_text(file, ["\t".join(row) for row in rows])
    translate_inputs([file], make_spec(translator, [file], tmp_path / "out"))
    read = []
    for text in written(tmp_path / "out").values():
        quoting = csv.QUOTE_MINIMAL if name == "in.csv" else csv.QUOTE_NONE
        head, *body = csv.reader(io.StringIO(text), delimiter=separator, quoting=quoting)
        assert head == [*rows[0], "translation", "error"]
        read += body
    assert read == [[*row, text, ""] for row, text in zip(rows[1:], translations, strict=True)]


def test_columns_without_names_are_counted(translator, translations, tmp_path) -> None:
    file = write_text(tmp_path / "in.tsv", [f"x\t{line}" for line in LINES])
    translate_inputs([file], make_spec(translator, [file], tmp_path / "out", columns=Columns("2")))
    read = [line.split("\t") for line in "".join(written(tmp_path / "out").values()).split("\n")[:-1]]
    assert [row[2] for row in read] == translations and {len(row) for row in read} == {4}


def test_parquet_keeps_its_columns_and_types(translator, translations, tmp_path) -> None:
    table = pyarrow.table(
        {"n": pyarrow.array(range(len(LINES)), pyarrow.int16()), "text": LINES, "nested": [{"a": [1.5]}] * len(LINES)}
    )
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=3)
    translate_inputs([tmp_path / "in.parquet"], make_spec(translator, [tmp_path / "in.parquet"], tmp_path / "out"))
    read = pyarrow.concat_tables([parquet.read_table(path) for path in sorted((tmp_path / "out").glob("*.parquet"))])
    assert read.schema.names == ["n", "text", "nested", "translation", "error"]
    assert read.select(["n", "text", "nested"]).equals(table)
    assert read["translation"].to_pylist() == translations and read["error"].null_count == len(LINES)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 3


@pytest.mark.parametrize("name", ["in.txt", "in.csv", "in.parquet"])
@pytest.mark.parametrize("made", ["parquet", "jsonl"])
def test_other_formats_have_the_same_rows(name, made, translator, translations, tmp_path) -> None:
    lines = [line.replace("\u2028", " ") for line in LINES]
    if name == "in.parquet":
        parquet.write_table(pyarrow.table({"text": lines}), tmp_path / name)
    else:
        write_text(
            tmp_path / name,
            [*["text"] * (name == "in.csv"), *([f'"{line}"' for line in lines] if name == "in.csv" else lines)],
        )
    translate_inputs([tmp_path / name], make_spec(translator, [tmp_path / name], tmp_path / "out", made=made))
    assert [(row["text"], row["translation"], row.get("error")) for row in written_rows(tmp_path / "out")] == [
        (line, text, None) for line, text in zip(lines, translations, strict=True)
    ]


def test_rows_that_cannot_be_translated_tell_why(translator, tmp_path) -> None:
    rows: list[Any] = ["ba", None, 5, ["x"], "ce " * 400_000]
    lines = [
        *(json.dumps({"text": value, "id": f"r{n}"}) for n, value in enumerate(rows)),
        '{"id": "r5"}',
        "[1]",
        "{broken",
        '{"text": "di"}',
    ]
    file = write_text(tmp_path / "in.jsonl", lines)
    spec = make_spec(translator, [file], tmp_path / "out", columns=Columns(id="id"), max_rows=100)
    [done, _] = translate_inputs([file], spec)
    assert (done.rows, done.errors) == (9, 8)
    read = written_rows(tmp_path / "out")
    errors = [row.get("error") for row in read]
    assert errors == [
        None,
        "is null",
        "is no text, but int",
        "is no text, but list",
        "is longer than 1,048,576 bytes",
        "has no field 'text'",
        "is no object of JSON",
        "is no object of JSON",
        "has no id",
    ]
    assert [row["translation"] is None for row in read] == [error is not None for error in errors]
    told = error_lines(tmp_path / "out")
    assert told[0] == {"file": "in.jsonl", "row": 2, "id": "r1", "error": "is null"} and len(told) == 8
    assert spec.output.count_errors(spec.output.shards({"in.jsonl"})) == 8


def test_a_row_of_another_width_is_kept_and_told(translator, tmp_path) -> None:
    file = write_text(tmp_path / "in.csv", ["text,n", "ba,1", "ce", "di,2,3", "", "fo,4"])
    translate_inputs([file], make_spec(translator, [file], tmp_path / "out", max_rows=9))
    [text] = written(tmp_path / "out").values()
    read = list(csv.reader(io.StringIO(text)))
    assert [row[:2] for row in read[1:]] == [["ba", "1"], ["ce", ""], ["di", "2"], ["fo", "4"]]
    assert [row[3] for row in read[1:]] == ["", "has 1 column, not 2", "has 3 columns, not 2", ""]


def test_one_row_that_memory_does_not_suffice_for_is_told_alone(
    translator, translations, tmp_path, monkeypatch
) -> None:
    from nmt.errors import MemoryExhaustedError

    translate = Translator.translate

    def limited(self: Translator, lines: Any, *arguments: Any, **options: Any) -> Any:
        if "ce fo ha je ki" in lines:
            raise MemoryExhaustedError("line 7", "out of memory")
        return translate(self, lines, *arguments, **options)

    monkeypatch.setattr(Translator, "translate", limited)
    file = write_text(tmp_path / "in.txt", LINES)
    translate_inputs([file], make_spec(translator, [file], tmp_path / "out", made="jsonl", max_rows=100))
    read = written_rows(tmp_path / "out")
    place = LINES.index("ce fo ha je ki")
    assert [row["translation"] for row in read] == [*translations[:place], None, *translations[place + 1 :]]
    assert read[place]["error"] == "out of memory"


def test_samples_do_not_depend_on_shards_and_are_those_of_translate(translator, call, model, tmp_path) -> None:
    file = write_text(tmp_path / "in.txt", LINES)
    texts = []
    for max_rows in (2, 100):
        output = tmp_path / f"out{max_rows}"
        options = {"sampling": SamplingOptions(seed=7)}
        translate_inputs([file], make_spec(translator, [file], output, options=options, max_rows=max_rows))
        texts.append("".join(written(output).values()))
    assert texts[0] == texts[1] == call("translate", model, "--sample", "--seed", "7", "--input", file).out.decode()


def test_samples_follow_the_identity_of_a_row(translator, tmp_path) -> None:
    rows = [{"text": "ba ce di fo", "key": f"k{n}"} for n in range(12)]
    found = []
    for name, order in (("a", rows), ("b", rows[::-1])):
        file = write_text(tmp_path / f"{name}.jsonl", list(map(json.dumps, order)))
        options = {"sampling": SamplingOptions(temperature=3.0)}
        spec = make_spec(translator, [file], tmp_path / name, columns=Columns(id="key"), options=options)
        translate_inputs([file], spec)
        found.append({row["key"]: row["translation"] for row in written_rows(tmp_path / name)})
    assert found[0] == found[1] and len(set(found[0].values())) > 3


def test_files_of_a_folder_draw_samples_of_their_own(translator, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        write_text(tmp_path / "in" / f"{name}.txt", ["ba ce di fo"] * 5)
    options = {"sampling": SamplingOptions(temperature=3.0)}
    translate_inputs([tmp_path / "in"], make_spec(translator, [tmp_path / "in"], tmp_path / "out", options=options))
    first, second = written(tmp_path / "out").values()
    assert first != second


def test_finished_shards_are_not_made_again(translator, tmp_path) -> None:
    file = write_text(tmp_path / "in.txt", LINES)
    spec = make_spec(translator, [file], tmp_path / "out")
    translate_inputs([file], spec)
    whole = written(tmp_path / "out")
    [first, second, third] = (tmp_path / "out" / name for name in whole)
    second.unlink()
    first.write_text("as it was\n")
    done = translate_inputs([file], spec)
    assert [(one.rows, one.skipped) for one in done] == [(5, 5), (0, 1)]
    assert written(tmp_path / "out") == whole | {first.name: "as it was\n"}
    assert third.exists()


@pytest.mark.parametrize(
    ("name", "content", "error", "what"),
    [
        ("in.csv", b"txt,other\nba,1\n", DataError, "in.csv: has no column 'text'; it has txt, other"),
        ("in.csv", b"text,error\nba,1\n", DataError, "in.csv: has a column 'error' already"),
        ("in.csv", b"text,text\nba,1\n", DataError, "in.csv:1: two columns have one name"),
        ("in.tsv", b"text\n" + b"x" * (1 << 23), DataError, "in.tsv:2: is longer than 4,194,304 bytes"),
        ("in.jsonl", b'{"text": "ba", "error": 1}\n', DataError, "in.jsonl:1: has a field 'error' already"),
        ("in.parquet", b"PAR1 and nothing else", InputFileError, "in.parquet: "),
        ("in.txt.gz", gzip.compress(b"ba\n" * 9)[:-5], InputFileError, "in.txt.gz: ends in the middle"),
        ("in.txt", b"PK\x03\x04" + bytes(30), InputFileError, "in.txt: is "),
    ],
)
def test_a_broken_file_is_told_by_name(name, content, error, what, translator, tmp_path) -> None:
    (tmp_path / name).write_bytes(content)
    spec = make_spec(translator, [tmp_path / name], tmp_path / "out")
    *_, last = translate_inputs([tmp_path / name], spec)
    with pytest.raises(error) as caught:
        last.raise_failure()
    assert type(caught.value) is error and str(caught.value).startswith(what)


def test_a_shard_ends_where_its_rows_are_many_bytes(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nmt.bulk.reading.LARGEST_BYTES", 1000)
    monkeypatch.setattr("nmt.bulk.reading._PARQUET_ROWS", 2)
    write_text(tmp_path / "in.txt", ["x" * 300] * 10)
    parquet.write_table(
        pyarrow.table({"text": ["x" * 300 + str(n) for n in range(10)]}),
        tmp_path / "in.parquet",
        compression="none",
        use_dictionary=False,
    )
    for name, kind in (("in.txt", "text"), ("in.parquet", "parquet")):
        [file] = find_inputs([str(tmp_path / name)])
        shards = list(read_shards(file, kind, ["text"], 1000))
        assert len(shards) > 2 and sum(shard.table.num_rows for shard in shards) == 10
        assert [shard.first for shard in shards] == [
            1 + sum(one.table.num_rows for one in shards[:n]) for n in range(len(shards))
        ]


def test_invalid_utf8_is_mended_and_told(tmp_path) -> None:
    for name, kind in (("in.txt", "text"), ("in.tsv", "tsv")):
        (tmp_path / name).write_bytes(b"1\nba \xff\n")
        [file] = find_inputs([str(tmp_path / name)])
        shards = list(read_shards(file, kind, ["1"], 10))
        assert [warning for shard in shards for warning in shard.warnings] == [
            f"{name}:2: invalid UTF-8, replaced by U+FFFD"
        ]
        assert shards[0].table.column(0).to_pylist() == ["1", "ba \ufffd"]
