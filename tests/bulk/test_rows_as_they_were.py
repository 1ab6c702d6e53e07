"""What stands in a row is in the output as it was, or the row's error says why not; bad data ends in a DataError."""

from __future__ import annotations

import csv
import datetime
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow
import pytest
from pyarrow import parquet

from bulk_work import error_lines, make_spec, translate_inputs, written, written_rows
from nmt.bulk.columns import Columns
from nmt.bulk.rows import RowTranslator
from nmt.errors import DataError, InputFileError
from nmt.postprocessing.postprocess import Postprocessor
from nmt.translation.result import Translation


@pytest.fixture
def run(translator, tmp_path):
    """Translates a file of a name and content; returns the folder of the output."""

    def translate(name: str, content: bytes | pyarrow.Table, **changes: Any) -> Path:
        file = tmp_path / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            parquet.write_table(content, file)
        for result in translate_inputs([file], make_spec(translator, [file], tmp_path / "out", **changes)):
            result.raise_failure()
        return tmp_path / "out"

    return translate


def cells(folder: Path) -> list[list[str]]:
    [path] = folder.glob("*.csv")
    with path.open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("line", ["{broken", "[1", "5", '{"text": "ba", "translation": "before"}'])
def test_a_line_that_is_no_object_or_has_an_added_field_is_kept_whole(line, run) -> None:
    [good, bad] = written_rows(run("in.jsonl", f'{{"text": "ba"}}\n{line}\n'.encode()))
    assert good["translation"] and bad["json"] == line and bad["translation"] is None and bad["error"]


def test_an_object_longer_than_a_text_may_be_is_translated(run) -> None:
    row = {"text": "ba ce", "page": "x" * (1 << 20)}
    [done] = written_rows(run("in.jsonl", json.dumps(row).encode()))
    assert done | row == done and done["translation"] and "error" not in done


def test_numbers_of_any_length_stay(run) -> None:
    number = "1" * 5000
    run("in.jsonl", f'{{"text": "ba", "n": {number}, "id": {number}}}\n'.encode(), columns=Columns(id="id"))
    folder = run("in.jsonl", f'{{"text": "ba", "n": {number}, "id": {number}}}\n'.encode(), columns=Columns(id="id"))
    [text] = written(folder).values()
    assert text.count(number) == 2 and '"error"' not in text


def test_an_identity_that_no_encoding_holds_is_told(run) -> None:
    folder = run("in.jsonl", b'{"text": null, "id": "\\ud800"}\n', columns=Columns(id="id"))
    assert [line["id"] for line in error_lines(folder)] == ["\ufffd"]


def test_blank_lines_are_no_rows(run) -> None:
    rows = written_rows(run("in.jsonl", b'\n{"text": "ba"}\n \n{"text": "ce"}\n\n'))
    assert [row["text"] for row in rows] == ["ba", "ce"]


def test_blank_lines_of_tsv_are_no_rows_and_one_carriage_return_is_dropped(run) -> None:
    [text] = written(run("in.tsv", b"text\tn\nba\tx\r\r\n\nce\ty\r\n")).values()
    assert [line.split("\t")[:2] for line in text.split("\n")] == [["text", "n"], ["ba", "x\r"], ["ce", "y"], [""]]


@pytest.mark.parametrize(
    "content", [b'[\n{"text": "ba"},\n{"text": "ce"}\n]', b'[{"text": "ba"}]', b'{\n"text": "ba"\n}']
)
def test_json_over_several_lines_is_refused(content, run) -> None:
    with pytest.raises(DataError, match="expected an object on each line"):
        run("in.json", content)


def test_an_open_quotation_mark_is_refused(run) -> None:
    with pytest.raises(DataError, match=r"in\.csv:5: is broken, perhaps by a quotation mark"):
        run("in.csv", b'text,n\nba,1\n"ce,2\ndi,3\nfo,4\n')


def test_a_row_of_csv_without_an_end_is_refused_before_it_fills_memory(run, monkeypatch) -> None:
    monkeypatch.setattr("nmt.bulk.table_rows.LONGEST_ROW", 1000)
    with pytest.raises(
        DataError, match=r"in\.csv:\d+: a row is longer than 1,000 characters; perhaps a quotation mark"
    ):
        run("in.csv", b"text,n\n" + b'"a\n",' * 1000)
    assert len(cells(run("in.csv", b"text,n\n" + b"ba,1\n" * 300, max_rows=1000))) == 301  # of short rows, any number


def test_ends_of_lines_in_cells(run) -> None:
    rows = cells(run("in.csv", b'text,n\r\n"ba\rce","1\r\n2"\r\ndi\rfo,3\r\n'))
    assert [row[:2] for row in rows] == [["text", "n"], ["ba\rce", "1\n2"], ["di\rfo", "3"]]
    assert all(row[2] and not row[3] for row in rows[1:])


def test_a_separator_in_quotation_marks_separates_nothing(run) -> None:
    assert cells(run("in.csv", b'text,"a;b;c"\nba,1\n'))[0] == ["text", "a;b;c", "translation", "error"]


def test_columns_that_a_row_has_more_are_told(run) -> None:
    folder = run("in.csv", b"text,n\nba,1,precious,\nce,2\n")
    assert cells(folder)[1] == ["ba", "1", "", "has 4 columns, not 2"]
    assert error_lines(folder) == [
        {"file": "in.csv", "row": 1, "error": "has 4 columns, not 2", "more": ["precious", ""]}
    ]


def test_two_columns_of_one_name_are_refused(run) -> None:
    table = pyarrow.Table.from_arrays([pyarrow.array([value]) for value in ("ba", 1, 2)], names=["text", "x", "x"])
    with pytest.raises(DataError, match=r"in\.parquet: two columns have one name, 'x'"):
        run("in.parquet", table, made="jsonl")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.csv", b"text,n\n"),
        ("in.parquet", pyarrow.table({"text": pyarrow.array([], pyarrow.string()), "n": pyarrow.array([], "int8")})),
    ],
)
def test_a_table_without_rows_leaves_its_head_and_is_checked(name, content, run) -> None:
    folder = run(name, content)
    [path] = folder.glob("in.*")
    assert path.name.startswith(f"{name}-000000000001-000000000000.")
    names = parquet.read_schema(path).names if name == "in.parquet" else cells(folder)[0]
    assert names == ["text", "n", "translation", "error"]
    with pytest.raises(DataError, match="has no column 'other'"):
        run(name, content, columns=Columns("other"))


@pytest.mark.parametrize("name", ["in.txt", "in.jsonl", "in.csv"])
def test_an_empty_file_has_an_empty_output(name, run) -> None:
    assert list(written(run(name, b"")).values()) == [""]


def bad_utf8() -> pyarrow.Table:
    texts = pyarrow.array([b"ba", b"ce\xff"], pyarrow.binary())
    return pyarrow.table({"text": pyarrow.Array.from_buffers(pyarrow.string(), 2, texts.buffers())})


def test_a_text_of_parquet_that_is_no_utf8_is_an_error_of_its_row(run) -> None:
    folder = run("in.parquet", bad_utf8())
    [path] = folder.glob("*.parquet")
    read = parquet.read_table(path)
    assert read["error"].to_pylist() == [None, "has a text that is not UTF-8"]
    assert read.select(["text"]).equals(bad_utf8()) and read["translation"][0].as_py()


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([10**15], pyarrow.timestamp("s")),
        pyarrow.array([2**31 - 1], pyarrow.date32()),
        pyarrow.array([1], pyarrow.timestamp("us", "Mars/X")),
        bad_utf8()["text"].slice(1),
    ],
    ids=["timestamp", "date", "zone", "utf8"],
)
def test_a_value_without_a_form_in_json_is_bad_data(column, run) -> None:
    with pytest.raises(DataError, match=r"in\.parquet:1-1: a value of these rows cannot be"):
        run("in.parquet", pyarrow.table({"text": ["ba"], "d": column}), made="jsonl")


def test_values_of_parquet_in_json(run) -> None:
    table = pyarrow.table(
        {
            "text": ["ba"],
            "bytes": [b"\xff"],
            "nan": [float("nan")],
            "date": [datetime.date(2020, 2, 3)],
            "list": [[float("inf"), 1.5]],
        }
    )
    [row] = written_rows(run("in.parquet", table, made="jsonl"))
    assert [row[name] for name in ("bytes", "nan", "date", "list")] == ["/w==", None, "2020-02-03", [None, 1.5]]


def test_compressed_parquet_is_refused_by_name(run) -> None:
    with pytest.raises(InputFileError, match=r"in\.parquet\.gz: is Parquet inside a compressed file"):
        run("in.parquet.gz", b"\x1f\x8b")


def test_an_identity_that_is_nan_is_none(run) -> None:
    table = pyarrow.table({"text": ["ba", "ce"], "key": [1.0, float("nan")]})
    rows = written_rows(run("in.parquet", table, columns=Columns(id="key")))
    assert [row["error"] for row in rows] == [None, "has no key"]


def test_what_writing_csv_needs_is_not_left_in_parquet(run) -> None:
    [path] = run("in.csv", b"text,n\nba,1\n", made="parquet").glob("*.parquet")
    assert not parquet.read_schema(path).metadata


def test_a_translation_is_one_line_whatever_postprocessing_puts_in(translator) -> None:
    def put_in(translation: Translation) -> Translation:
        return replace(translation, outputs=[replace(translation.outputs[0], text="a\nb\u2028c")])

    rows = RowTranslator(translator, translator.options(), cast(Postprocessor, SimpleNamespace(apply=put_in)))
    assert rows.translate(["ba"], [1], {})[0].translation == "a b c"


def test_half_a_character_is_translated_as_none(run, translator, monkeypatch) -> None:
    translate, seen = type(translator).translate, []

    def note(self, lines, *arguments, **options):
        seen.extend(lines)
        return translate(self, lines, *arguments, **options)

    monkeypatch.setattr(type(translator), "translate", note)
    run("in.jsonl", b'{"text": "ba \\ud800"}\n')
    assert seen == ["ba \ufffd"]
