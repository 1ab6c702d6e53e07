"""`nmt bulk`: what it refuses before any process is started, and jobs that are begun already."""

from __future__ import annotations

import importlib.util
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from bulk_work import make_spec, run_steps
from nmt.bulk import cluster
from nmt.bulk.description import default_description, describe
from nmt.bulk.inputs import find_inputs
from nmt.bulk.manifest import differences, encode_manifest
from nmt.bulk.pool import Pool, Translate
from nmt.errors import ConfigError
from nmt.io.locks import LOCK_NAME, RunLock


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.txt"
    path.write_text("ba ce di\nfo gu\nha je\n")
    return path


def contents(folder: Path) -> dict[Path, bytes]:
    """What files hold; the lock names its last holder, which each job is."""
    return {path: path.read_bytes() for path in folder.iterdir() if path.name != LOCK_NAME}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of a job one after the other, without a cluster."""

    @contextmanager
    def connected(_pool: Pool) -> Iterator[Translate]:
        yield run_steps

    monkeypatch.setattr(Pool, "connected", connected)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--output", "OUT", "--to", "text"], 2, "--to: is 'text', the name of --column"),
        (["--output", "OUT", "--to", "error"], 2, "--to: is 'error', the name of the column of errors"),
        (["--output", "OUT", "--column", "source"], 2, "--column: is 'source', but lines of text have one column"),
        (["--output", "OUT", "--score"], 2, "--score: has no place in text: expected --format parquet or jsonl"),
        (
            ["--output", "OUT", "--format", "csv"],
            2,
            "--format: is text or parquet or jsonl for an input of text, not 'csv'",
        ),
        (["--output", "OUT", "--input-format", "xml"], 2, "--input-format: is parquet or jsonl or csv"),
        (["--output", "OUT", "--device", "cuda:1"], 2, "--device: is auto or cpu or cuda, not 'cuda:1'"),
        (["--output", "OUT", "--top-k", "3"], 2, "--top-k: does nothing without --sample"),
        (["--output", "OUT", "--beam-size", "0"], 2, "--beam-size: expected a whole number from 1"),
        (["--output", "OUT", "--diversity", "1"], 2, "--diversity: does nothing without --diverse"),
        (["--output", "nothing://there"], 2, "nothing://there: is on no file system that pyarrow reads"),
        (["--output", "a\0b"], 2, "'a\\x00b': is no name that a file or folder can have here"),
        ([], 2, "bulk: missing option '--output'"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(options, code, told, call, model, rows, tmp_path) -> None:
    given = [str(tmp_path / "out") if word == "OUT" else word for word in options]
    done = call("bulk", model, rows, *given)
    assert (done.code, done.out) == (code, b"") and done.errors[0].startswith(f"nmt: error: {told}"), done.err
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_told_with_how_to_install_it(call, model, rows, tmp_path, monkeypatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ray" else find(name))
    done = call("bulk", model, rows, "--output", tmp_path / "out")
    assert done.code == 2 and done.errors[0].startswith("nmt: error: bulk: needs ray: ") and "[ray]" in done.err


@pytest.mark.parametrize(
    ("names", "code", "told"),
    [
        ([], 65, "holds no files"),
        (["a.txt", "b.csv"], 65, "holds text (a.txt) and csv (b.csv): expected one format, or --input-format"),
        (None, 66, "no such file or folder"),
    ],
)
def test_a_folder_that_cannot_be_translated_is_told(names, code, told, call, model, tmp_path) -> None:
    if names is not None:
        (tmp_path / "in").mkdir()
        for name in [*names, ".hidden", "_job.json"]:
            (tmp_path / "in" / name).write_text("ba\n")
    done = call("bulk", model, tmp_path / "in", "--output", tmp_path / "out")
    assert (done.code, done.errors) == (code, [f"nmt: error: {tmp_path / 'in'}: {told}"])


def test_files_of_one_name_are_refused(call, model, tmp_path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text("ba\n")
    done = call("bulk", model, tmp_path / "a", tmp_path / "b", "--output", tmp_path / "out")
    assert done.code == 2 and "have one name" in done.err


def test_output_inside_the_input_is_refused(call, model, rows) -> None:
    done = call("bulk", model, rows.parent, "--output", rows.parent / "out")
    assert done.code == 2 and "is inside the input" in done.err


@pytest.mark.parametrize("output", ["in/../in/out", "link/out"])
def test_output_inside_the_input_is_found_behind_links(output, call, model, tmp_path, monkeypatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rows.txt").write_text("ba\n")
    (tmp_path / "link").symlink_to("in")
    monkeypatch.chdir(tmp_path)
    done = call("bulk", model, tmp_path / "in", "--output", output)
    assert done.code == 2 and "is inside the input" in done.err


def test_a_relative_output_is_where_the_command_was_given(call, model, rows, tmp_path, monkeypatch) -> None:
    @contextmanager
    def elsewhere(_pool: Pool) -> Iterator[Translate]:
        monkeypatch.chdir("/")  # as workers are in folders of their own
        yield run_steps

    monkeypatch.setattr(Pool, "connected", elsewhere)
    monkeypatch.chdir(tmp_path)
    assert call("bulk", model, rows.name, "--output", "out").code == 0
    assert len(list((tmp_path / "out").glob("rows.txt-*.txt"))) == 1


def test_an_address_where_nobody_answers_is_told_at_once(call, model, rows, tmp_path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        done = call("bulk", model, rows, "--output", tmp_path / "out", "--address", address)
    assert done.code == 2 and done.errors[0].startswith(f"nmt: error: --address: {address}: nobody answers there")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", None])
def test_what_answers_at_an_address_and_is_not_ray_is_told(answer, call, model, rows, tmp_path, monkeypatch) -> None:
    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(100)
            if answer is None:
                connection.recv(100)  # until the other has had enough
            else:
                connection.sendall(answer)

    monkeypatch.setattr(cluster, "_SECONDS_TO_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=serve)
        thread.start()
        done = call("bulk", model, rows, "--output", tmp_path / "out", "--address", address)
        thread.join()
    assert done.code == 2 and "what answers there is not Ray" in done.errors[0]
    assert not (tmp_path / "out").exists()


def test_more_workers_than_memory_has_room_for_are_refused(call, model, rows, tmp_path) -> None:
    done = call("bulk", model, rows, "--output", tmp_path / "out", "--workers", "90000")
    assert done.code == 2 and "--workers: is 90,000, but there is memory for no more than" in done.errors[0]


def test_more_workers_than_processors_are_remarked_on(call, model, rows, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("nmt.corpus.workers.available_processors", lambda: 2)
    monkeypatch.setattr(Pool, "connected", lambda _: nullcontext(run_steps))
    done = call("bulk", model, rows, "--output", tmp_path / "out", "--workers", "3", "--threads", "2")
    assert done.code == 0 and "--workers 3 --threads 2: nmt may use 2 processors here" in done.err


def test_a_gpu_that_is_not_there_is_69(call, model, rows, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert call("bulk", model, rows, "--output", tmp_path / "out", "--device", "cuda").code == 69
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("error", [OSError("AF_UNIX path length"), ValueError("store"), RuntimeError("no")])
def test_a_cluster_that_does_not_start_is_told(error, call, model, rows, tmp_path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ray.init", fail)
    done = call("bulk", model, rows, "--output", tmp_path / "out")
    assert (done.code, done.errors) == (2, [f"nmt: error: bulk: Ray does not start on this machine: {error}"])


def test_a_long_folder_for_temporary_files_is_not_taken(tmp_path, monkeypatch) -> None:
    (tmp_path / ("x" * 60)).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 60)))
    with cluster._session_folder() as folder:
        assert Path(folder).parent == Path("/tmp")
    assert not Path(folder).exists()


def test_the_store_of_many_workers_leaves_memory(monkeypatch) -> None:
    monkeypatch.setattr(cluster, "available_memory", lambda: 1 << 30)
    assert cluster._store_bytes(1_000) < 1 << 29 and cluster._store_bytes(1) >= 80 << 20


def test_a_missing_model_is_4(call, rows, tmp_path) -> None:
    assert call("bulk", tmp_path / "none", rows, "--output", tmp_path / "out").code == 4


@pytest.mark.usefixtures("in_process")
def test_a_job_that_is_finished_says_so(call, model, rows, tmp_path) -> None:
    arguments = ["bulk", model, rows, "--output", tmp_path / "out", "--shard-rows", "2"]
    done = call(*arguments)
    assert (done.code, done.out) == (0, b"") and "translated 3 rows" in done.err, done.err
    shards = sorted((tmp_path / "out").glob("*.txt"))
    text = b"".join(shard.read_bytes() for shard in shards)
    assert text == call("translate", model, "--input", rows).out and len(shards) == 2
    assert "finished before: 3 rows" in call(*arguments, "--batch-tokens", "99", "--workers", "9").err
    shards[0].rename(tmp_path / "out" / "other.txt-000000000001-000000000002.txt")
    assert "translated 2 rows" in (again := call(*arguments)).err and "1 were finished before" in again.err
    assert b"".join(shard.read_bytes() for shard in shards) == text


@pytest.mark.usefixtures("in_process")
def test_another_model_option_or_input_is_refused_by_name(call, model, second_model, rows, tmp_path) -> None:
    arguments = [rows, "--output", tmp_path / "out"]
    assert call("bulk", model, *arguments, "--beam-size", "2").code == 0
    before = contents(tmp_path / "out")
    done = call("bulk", second_model, *arguments, "--beam-size", "3", "--format", "jsonl")
    assert done.code == 2
    begun = f"{tmp_path / 'out'} was begun with"
    assert done.errors == [
        f"nmt: error: MODEL: is not the model that {begun}; expected that, or another --output",
        f"nmt: error: --format: is jsonl, but {begun} text; expected that, or another --output",
        f"nmt: error: --beam-size: is 3, but {begun} 2; expected that, or another --output",
    ]
    rows.write_text("ba\n")
    done = call("bulk", model, *arguments, "--beam-size", "2")
    assert done.code == 2 and done.errors[0].startswith(f"nmt: error: INPUT: is not what {begun}: rows.txt changed")
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    "option",
    [
        ("--shard-rows", "2"),
        ("--glossary", "terms.tsv"),
        ("--precision", "bf16"),
        ("--translate-all",),
        ("--sample",),
        ("--dictionary", "words.tsv", "--replace-unknown"),
    ],
    ids=lambda option: option[0],
)
@pytest.mark.usefixtures("in_process")
def test_each_option_that_changes_the_output_is_compared(option, call, model, rows, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("terms.tsv", "words.tsv"):
        (tmp_path / name).write_text("ba\tce\n")
    assert call("bulk", model, rows, "--output", "out").code == 0
    done = call("bulk", model, rows, "--output", "out", *option)
    assert done.code == 2 and f"nmt: error: {option[0]}: is " in done.err, done.err


def test_a_tag_is_part_of_what_a_job_is(translator, rows, tmp_path) -> None:
    spec = make_spec(translator, [rows], tmp_path / "out")
    other = replace(spec, options=replace(spec.options, tag="<2fr>"))
    before, now = (describe(one, find_inputs([str(rows)])) for one in (spec, other))
    assert [str(problem) for problem in differences(before, now, "out")] == [
        "--tag: is <2fr>, but out was begun with None; expected that, or another --output"
    ]
    assert json.loads(encode_manifest(before)) == before


def test_an_option_that_an_earlier_version_did_not_have_has_its_default(translator, rows, tmp_path) -> None:
    spec = make_spec(translator, [rows], tmp_path / "out")
    description = describe(spec, find_inputs([str(rows)]))
    with spec.output.locked():
        earlier = {key: value for key, value in description.items() if key not in ("--mbr-metric", "--diversity")}
        spec.output.begin(earlier, {})
        assert spec.output.begin(description, default_description()) is None
        with pytest.raises(ConfigError, match="was begun by another version"):
            spec.output.begin({**description, "VERSION": 2}, default_description())


@pytest.mark.usefixtures("in_process")
def test_columns_are_checked_before_processes_are_started(call, model, tmp_path, monkeypatch) -> None:
    (tmp_path / "rows.csv").write_text("txt\nba\n")
    monkeypatch.setattr(Pool, "connected", None)
    done = call("bulk", model, tmp_path / "rows.csv", "--output", tmp_path / "out")
    assert (done.code, done.errors) == (65, ["nmt: error: rows.csv: has no column 'text'; it has txt"])


@pytest.mark.usefixtures("in_process")
def test_rows_that_cannot_be_translated_end_with_65_each_time(call, model, tmp_path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "ba"}\n{"text": null}\n')
    for told in ("translated 2 rows", "finished before: 2 rows"):
        done = call("bulk", model, tmp_path / "rows.jsonl", "--output", tmp_path / "out")
        assert done.code == 65 and told in done.err
        assert done.errors == [
            f"nmt: error: {tmp_path / 'out'}: rows that could not be translated, as _errors tells: 1"
        ]


def test_a_folder_of_others_and_one_in_use_are_left_alone(call, model, rows, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    with RunLock(tmp_path / "out"):
        assert call("bulk", model, rows, "--output", tmp_path / "out").code == 75
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    done = call("bulk", model, rows, "--output", tmp_path / "out")
    assert done.code == 2 and "holds other files, such as thesis.txt" in done.err
    (tmp_path / "out" / "thesis.txt").unlink()
    (tmp_path / "out" / "_job.json").write_text("{")
    assert call("bulk", model, rows, "--output", tmp_path / "out").code == 65


def test_paths_of_file_systems_that_are_not_local_are_written_whole(tmp_path) -> None:
    from pyarrow import fs

    from nmt.bulk.file_systems import Location, list_files, read_whole, write_whole

    place = Location(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "folder")
    assert not place.is_local and list_files(place) == []
    write_whole(place.inside("inner/a.txt"), b"one")
    write_whole(place.inside("inner/a.txt"), b"two")
    assert [found.name for found in list_files(place)] == ["inner/a.txt"]
    assert read_whole(place.inside("inner/a.txt")) == b"two" and read_whole(place.inside("none")) is None
