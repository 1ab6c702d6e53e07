"""Which files are the input, and that they stay the same while they are read."""

from __future__ import annotations

import os
import re

import pyarrow
import pytest
from pyarrow import parquet

from nmt.bulk.file_systems import locate
from nmt.bulk.inputs import find_inputs
from nmt.bulk.reading import read_shards
from nmt.errors import ConfigError, DataError, InputFileError


def test_names_that_begin_with_a_dot_or_underscore_are_passed_over_in_every_folder(tmp_path) -> None:
    for name in ("a.txt", ".b.txt", "_c.txt", "in/d.txt", "in/_e.txt", "in/.git/f.txt", "_old/g.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("ba\n")
    assert [file.name for file in find_inputs([str(tmp_path)])] == ["a.txt", "in/d.txt"]


def test_a_link_to_a_file_is_a_file(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.txt").write_text("ba\n")
    (tmp_path / "in" / "b.txt").symlink_to("../a.txt")
    [file] = find_inputs([str(tmp_path / "in")])
    assert (file.name, file.size) == ("b.txt", 3)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        (".", "is a link to a folder, which is not followed"),
        ("nothing", "is a link to nothing"),
        ("b", "cannot be read"),
        (None, "is neither a file nor a folder"),
    ],
)
def test_what_cannot_be_read_is_refused_not_passed_over(target, what, tmp_path) -> None:
    (tmp_path / "a.txt").write_text("ba\n")
    if target is None:
        os.mkfifo(tmp_path / "b")
    else:
        (tmp_path / "b").symlink_to(target)
    with pytest.raises(InputFileError, match=f"^{re.escape(str(tmp_path / 'b'))}: {what}"):
        find_inputs([str(tmp_path)])


def test_a_name_that_is_not_utf8_is_refused(tmp_path) -> None:
    name = os.fsdecode(b"\xff.txt")
    (tmp_path / name).write_text("ba\n")
    with pytest.raises(InputFileError, match="has a name that is not UTF-8"):
        find_inputs([str(tmp_path)])
    with pytest.raises(ConfigError, match="is no name that a file"):
        find_inputs([str(tmp_path / name)])


@pytest.mark.parametrize("name", ["", "a\0b", "\udcff"])
def test_what_no_file_can_be_named_is_refused(name) -> None:
    with pytest.raises(ConfigError, match="is no name that a file or folder can have here"):
        locate(name)


def test_a_name_too_long_for_its_output_is_refused(tmp_path) -> None:
    (tmp_path / ("x" * 225 + ".txt")).write_text("ba\n")
    with pytest.raises(ConfigError, match="too long for its output"):
        find_inputs([str(tmp_path)])


@pytest.mark.parametrize("content", ["fo gu ha\n" * 3, "ce\n"])
def test_a_file_that_changed_is_refused(content, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("ba\n")
    os.utime(path, (1, 1))
    [file] = find_inputs([str(path)])
    path.write_text(content)
    with pytest.raises(DataError, match=r"a\.txt: has changed since the job was begun"):
        list(read_shards(file, "text", ["text"], 10))


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("ba\n" * 4)
    [file] = find_inputs([str(path)])
    shards = read_shards(file, "text", ["text"], 2)
    next(shards)
    path.write_text("ba\n" * 5)
    with pytest.raises(DataError, match="has changed"):
        next(shards)


def test_rows_of_parquet_that_share_their_values_fill_no_memory(tmp_path) -> None:
    texts = [character * 20_000 for character in "ab"] * 2_000
    parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "a.parquet")  # of some kilobytes
    [file] = find_inputs([str(tmp_path / "a.parquet")])
    shards = list(read_shards(file, "parquet", ["text"], 10_000))
    assert file.size < 10_000 and max(shard.table.nbytes for shard in shards) < 20 << 20
    assert sum(shard.table.num_rows for shard in shards) == 4_000


def test_where_shards_of_parquet_end_does_not_depend_on_row_groups(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nmt.bulk.reading.LARGEST_BYTES", 20_000)
    table = pyarrow.table({"text": ["ba" * (1 + number % 90) for number in range(1_000)]})
    ends = []
    for rows in (7, 1_000):
        parquet.write_table(table, tmp_path / "a.parquet", row_group_size=rows)
        [file] = find_inputs([str(tmp_path / "a.parquet")])
        shards = list(read_shards(file, "parquet", ["text"], 130))
        assert pyarrow.concat_tables([shard.table for shard in shards]).equals(table)
        ends.append([shard.name(file.name).last for shard in shards])
    assert ends[0] == ends[1] and len(ends[0]) > 3


def test_rows_without_texts_count_as_well(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nmt.bulk.reading.LARGEST_BYTES", 1_000)
    (tmp_path / "a.tsv").write_text("text\tn\n" + "\t\n" * 100)
    [file] = find_inputs([str(tmp_path / "a.tsv")])
    assert len(list(read_shards(file, "tsv", ["text"], 1_000))) == 10


def test_a_warning_is_given_with_one_shard_only(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ba \xff\nce\ndi\n")
    [file] = find_inputs([str(tmp_path / "a.txt")])
    shards = list(read_shards(file, "text", ["text"], 1))
    assert [len(shard.warnings) for shard in shards] == [1, 0, 0]
