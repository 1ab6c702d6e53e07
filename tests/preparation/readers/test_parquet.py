"""Translation sets in Parquet."""

import gzip
import os
import sys

import pytest

from corpora import PAIRS, read_pairs, sides, tarred, zipped
from nmt.errors import DataError, InputFileError

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")


@pytest.fixture
def read(tmp_path):
    """Writes columns, and reads what is there."""

    def from_columns(languages=("en", "de"), **columns):
        parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet", row_group_size=10)
        return sides(read_pairs([tmp_path / "a.parquet"], tmp_path / "work", languages)[0])

    return from_columns


def test_a_column_of_translations(read):
    rows = [{"de": target, "en": source} for source, target in PAIRS]
    assert read(id=list(range(len(PAIRS))), translation=rows) == PAIRS
    assert read(("de", "en"), translation=rows) == [pair[::-1] for pair in PAIRS]
    kind = pyarrow.map_(pyarrow.string(), pyarrow.string())
    assert read(translation=pyarrow.array([[*row.items()] for row in rows], kind)) == PAIRS


@pytest.mark.parametrize("names", [("en", "de"), ("eng", "de_DE"), ("source", "target"), ("src", "tgt")])
def test_two_columns(read, names):
    sources, targets = zip(*PAIRS, strict=True)
    assert read(**{names[1]: targets, "score": [1.0] * len(PAIRS), names[0]: sources}) == PAIRS


def test_what_is_missing_is_blank(read):
    rows = [{"en": "a", "de": None}, None, {"en": "b", "de": "c"}]
    assert read(translation=rows) == [("a", ""), ("", ""), ("b", "c")]


def test_other_columns_are_an_error_that_names_them(read):
    for columns, what in (
        ({"text": ["a"], "label": [1]}, "has the columns text, label; expected translation, or two named by en and de"),
        ({"translation": [{"fr": "a", "it": "b"}]}, "has translations in fr, it; expected en and de"),
        ({"en": ["a", "b"], "de": [1, 2]}, "a.parquet:1: expected text, found int"),
    ):
        with pytest.raises(DataError) as caught:
            read(**columns)
        assert what in str(caught.value)


def test_it_is_read_from_an_archive(read, tmp_path):
    read(en=["a"], de=["b"])
    (tmp_path / "a.zip").write_bytes(zipped({"train.parquet": (tmp_path / "a.parquet").read_bytes()}))
    assert sides(read_pairs([tmp_path / "a.zip"], tmp_path / "work")[0]) == [("a", "b")]


def test_copies_are_made_one_beside_the_other_and_then_removed(read, tmp_path):
    read(en=["a"], de=["b"])
    packed = gzip.compress((tmp_path / "a.parquet").read_bytes())
    (tmp_path / "a.tar").write_bytes(tarred({"a.parquet.gz": packed}))
    (tmp_path / "b.gz").write_bytes(packed)
    inputs = [tmp_path / "a.tar", tmp_path / "b.gz"]
    assert sides(read_pairs(inputs, tmp_path / "work")[0]) == [("a", "b")] * 2
    assert not [*(tmp_path / "work").iterdir()]


@pytest.mark.parametrize("ending", ["zip", "gz"])
def test_copying_can_be_ended(read, tmp_path, ending):
    rows = [os.urandom(500).hex() for _ in range(500)]
    read(en=rows, de=rows)
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / f"a.{ending}").write_bytes(zipped({"a.parquet": data}) if ending == "zip" else gzip.compress(data))

    def stop_while_copying():
        if any(path.is_file() for path in (tmp_path / "work").rglob("*")):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_pairs([tmp_path / f"a.{ending}"], tmp_path / "work", tick=stop_while_copying)


def test_a_damaged_file_is_an_error(read, tmp_path):
    read(en=["a"] * 1000, de=["b"] * 1000)
    data = (tmp_path / "a.parquet").read_bytes()
    for damaged in (data[:-20], data[: len(data) // 2]):
        (tmp_path / "a.parquet").write_bytes(damaged)
        with pytest.raises(InputFileError, match=r"a\.parquet: is a Parquet file that is damaged"):
            read_pairs([tmp_path / "a.parquet"], tmp_path / "work")


def test_text_that_is_not_utf_8_is_an_error(read):
    ends, text = b"\0\0\0\0\1\0\0\0\2\0\0\0", b"a\xff"
    column = pyarrow.StringArray.from_buffers(2, pyarrow.py_buffer(ends), pyarrow.py_buffer(text))
    with pytest.raises(InputFileError, match=r"a\.parquet: is a Parquet file that is damaged: 'utf-8' codec"):
        read(en=column, de=column)


def test_what_unpacks_to_very_much_is_not_read(tmp_path, monkeypatch):
    table = pyarrow.table({"en": ["a" * 1000] * 5000, "de": ["b" * 1000] * 5000})
    parquet.write_table(table, tmp_path / "a.parquet", compression="gzip", use_dictionary=False, write_statistics=False)
    assert len(read_pairs([tmp_path / "a.parquet"], tmp_path / "work")[0]) == 5000
    monkeypatch.setattr("nmt.preparation.readers.sources.FREE_BYTES", 1 << 12)
    with pytest.raises(DataError, match=r"a\.parquet: unpacks to more than 200 times"):
        read_pairs([tmp_path / "a.parquet"], tmp_path / "work")


def test_without_the_extra_is_an_error_that_names_it(read, tmp_path, monkeypatch):
    read(en=["a"], de=["b"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputFileError, match=r"needs pyarrow: .*pip install .*\[parquet\]"):
        read_pairs([tmp_path / "a.parquet"], tmp_path / "work")
