import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import tarfile
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zstandard

from nmt.errors import InputFileError, StorageError
from nmt.io.compression import BLOCK_BYTES
from nmt.io.lines import ready_lines
from nmt.io.streams import open_input, open_output, open_text, read_lines

TEXT = "ein Hund\r\nläuft\u2028weiter\n\n\x85🙂\0\n"
LINES = ["ein Hund", "läuft\u2028weiter", "", "\x85🙂\0"]


COMPRESSED = ["a.gz", "a.zst", "a.xz", "a.bz2"]


def texts_of(path):
    return [line.text for line in read_lines(str(path), pytest.fail)]


def write(path, data):
    if path.suffix == ".gz":
        data = gzip.compress(data)
    if path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    if path.suffix == ".xz":
        data = lzma.compress(data)
    if path.suffix == ".bz2":
        data = bz2.compress(data)
    path.write_bytes(data)
    return path


def noise(size):
    return random.Random(1).randbytes(size)


@pytest.mark.parametrize("name", ["plain", *COMPRESSED])
def test_large_files_come_in_blocks_and_whole(tmp_path, name):
    data = noise(50) * 20_000
    with open_input(str(write(tmp_path / name, data))) as stream:
        blocks = list(iter(stream.read, b""))
    assert b"".join(blocks) == data
    assert max(map(len, blocks)) <= BLOCK_BYTES


@pytest.mark.parametrize("name", COMPRESSED)
def test_concatenated_compressed_files_are_read_to_the_end(tmp_path, name):
    path = write(tmp_path / name, b"a\n")
    path.write_bytes(path.read_bytes() * 3)
    assert texts_of(path) == ["a", "a", "a"]


@pytest.mark.parametrize(("name", "pack"), [("a.gz", gzip.compress), ("a.xz", lzma.compress)])
def test_zeros_after_compressed_data_are_nothing(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(b"a\n") + bytes(8) + pack(b"a\n") + bytes(512))
    assert texts_of(tmp_path / name) == ["a", "a"]


def test_an_xz_file_that_asks_for_much_memory_is_an_error(tmp_path):
    small = lzma.compress(b"a\n")
    # The size of the dictionary is a byte of the block's header, whose checksum follows.
    header = bytearray(small[12:24])
    place = header.index(0x21) + 2  # filter, size of its properties, then the size of the dictionary
    header[place] = 36  # 1 GiB
    header[8:12] = zlib.crc32(bytes(header[:8])).to_bytes(4, "little")
    (tmp_path / "a.xz").write_bytes(small[:12] + header + small[24:])
    with pytest.raises(InputFileError, match=r"a\.xz: is damaged, or not compressed.*[Mm]emory"):
        list(read_lines(str(tmp_path / "a.xz"), pytest.fail))


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text\n")


def tarred(path):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        archive.add(__file__, "a.txt")


@pytest.mark.parametrize(
    ("name", "make", "what"),
    [
        ("corpus.zip", zipped, "is a zip archive, not text; nmt prepare reads it"),
        ("corpus.en", zipped, "is a zip archive, not text; nmt prepare reads it"),
        ("corpus.tar.gz", tarred, "is a tar archive, not text; nmt prepare reads it"),
        ("corpus.tar", tarred, "is a tar archive, not text; nmt prepare reads it"),
        ("corpus.en", lambda path: path.write_bytes(gzip.compress(b"a")), "is compressed with gzip, not text; nmt"),
        ("corpus.tgz", lambda path: path.write_bytes(gzip.compress(b"a")), "is compressed with gzip, not text; nmt"),
        ("corpus.pdf", lambda path: path.write_bytes(b"%PDF-1.7\n"), "is a PDF document, not text$"),
        ("corpus.7z", lambda path: path.write_bytes(b"7z\xbc\xaf\x27\x1c"), "is a 7z archive, not text$"),
    ],
)
def test_an_archive_is_no_text(tmp_path, name, make, what):
    make(tmp_path / name)
    with pytest.raises(InputFileError, match=rf"{name}: {what}") as caught:
        list(read_lines(str(tmp_path / name), pytest.fail))
    assert caught.value.exit_code == 66


def test_any_bytes_are_an_input_unless_they_are_an_archive_by_name_too(tmp_path):
    data = gzip.compress(b"a\n")
    for name in ("a.txt", "a", "tar", "tgz.txt"):
        (tmp_path / name).write_bytes(data)
        with open_input(str(tmp_path / name)) as stream:
            assert stream.read() == data
    (tmp_path / "a.tgz").write_bytes(data)
    with open_input(str(tmp_path / "a.tgz")) as stream, pytest.raises(InputFileError, match="is compressed with gzip"):
        stream.read()
    (tmp_path / "a.zip").write_bytes(b"text\n")
    assert texts_of(tmp_path / "a.zip") == ["text"]


def test_the_kind_of_a_text_is_told_by_what_there_is(tmp_path):
    os.mkfifo(tmp_path / "pipe.zip")
    feed = (tmp_path / "pipe.zip").open("r+b", buffering=0)
    with ThreadPoolExecutor(1) as waiting, open_text(str(tmp_path / "pipe.zip")) as stream, feed:
        for line in (b"P", b"K"):
            feed.write(line)
            assert waiting.submit(stream.read).result(timeout=5) == line


@pytest.mark.promise(18, gate=1, full=1)
@pytest.mark.parametrize("name", COMPRESSED)
def test_promise_18_a_compressed_file_cut_short_is_an_error(tmp_path, name):
    path = write(tmp_path / name, noise(100_000))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputFileError, match=f"{name}: ends in the middle"):
        list(read_lines(str(path), [].append))


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_compressed_file_cut_short_to_nothing_is_an_error(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(InputFileError, match=f"{name}: ends in the middle"):
        list(read_lines(str(tmp_path / name), [].append))


@pytest.mark.parametrize("name", ["plain", *COMPRESSED])
def test_a_written_file_without_lines_is_read_as_one(tmp_path, name):
    with open_output(str(tmp_path / name)):
        pass
    assert texts_of(tmp_path / name) == []


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_compressed_file_that_is_damaged_is_an_error(tmp_path, name):
    path = write(tmp_path / name, noise(50) * 3000)
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    path.write_bytes(packed)
    with pytest.raises(InputFileError, match=name):
        list(read_lines(str(path), [].append))


@pytest.mark.parametrize("name", COMPRESSED)
def test_a_plain_file_with_a_compressed_name_is_an_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"just a line of text\n")
    with pytest.raises(InputFileError, match=f"{name}: is damaged, or not compressed"):
        list(read_lines(str(tmp_path / name), pytest.fail))


@pytest.mark.parametrize("name", ["missing", "missing.gz"])
def test_a_missing_file_is_an_error_that_names_it(tmp_path, name):
    with pytest.raises(InputFileError, match=f"{name}: no such file") as caught:
        open_input(str(tmp_path / name))
    assert caught.value.exit_code == 66


def test_a_directory_is_an_error(tmp_path):
    with pytest.raises(InputFileError, match="is a directory"):
        open_input(str(tmp_path))


@pytest.mark.parametrize("name", ["", "a\0b", "a\ud800b"])
def test_a_name_no_file_can_have_is_an_error(name):
    with pytest.raises(InputFileError, match="no name a file can have"):
        open_input(name)
    with pytest.raises(StorageError, match="no name a file can have"):
        open_output(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_error(tmp_path):
    path = write(tmp_path / "secret", b"a")
    path.chmod(0)
    with pytest.raises(InputFileError, match="Permission denied"):
        open_input(str(path))


def test_without_the_extra_zstandard_is_an_error_that_names_it(tmp_path, monkeypatch):
    path = write(tmp_path / "a.zst", b"a\n")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InputFileError, match=r"pip install .*\[zstd\]"):
        open_input(str(path))
    with pytest.raises(StorageError, match=r"pip install .*\[zstd\]"):
        open_output(str(path))
    assert path.stat().st_size > 0


def test_standard_input_in_memory_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert texts_of("-") == LINES


def test_closed_standard_streams_are_errors(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(InputFileError, match="standard input: is closed"):
        open_input("-")
    with pytest.raises(StorageError, match="standard output: is closed"):
        open_output("-")


def test_promise_16_a_line_is_given_while_the_pipe_stays_open(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    feed = (tmp_path / "pipe").open("r+b", buffering=0)
    with ThreadPoolExecutor(1) as waiting, open_input(str(tmp_path / "pipe")) as stream, feed:
        lists = ready_lines(stream, pytest.fail, 100)
        for line in ("one", "two"):
            feed.write(line.encode() + b"\n")
            answer = waiting.submit(next, lists).result(timeout=5)
            assert [given.text for given in answer] == [line]


def test_a_full_pipe_is_batched(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "pipe").open("r+b", buffering=0) as feed, open_input(str(tmp_path / "pipe")) as stream:
        feed.write(b"x\n" * 1000)
        assert len(next(ready_lines(stream, pytest.fail, 1000))) == 1000


def test_non_blocking_streams_are_waited_for():
    program = """
import os
from nmt.io.streams import open_output, read_lines
os.set_blocking(0, False)
os.set_blocking(1, False)
with open_output("-") as writer:
    for line in read_lines("-", print):
        writer.write(line.text * 50_000)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        time.sleep(0.2)
        process.stdin.write(b"x" * 10 + b"\n")
        process.stdin.close()
        time.sleep(0.2)
        assert process.stdout.read() == b"x" * 500_000 + b"\n"
        assert process.wait() == 0


@pytest.mark.parametrize("name", ["plain", *COMPRESSED])
def test_what_is_written_can_be_read(tmp_path, name):
    texts = ["ein Hund", "", "läuft\u00a0🙂"] * 30_000
    with open_output(str(tmp_path / name)) as writer:
        for text in texts:
            writer.write(text)
    assert texts_of(tmp_path / name) == texts


def test_a_written_line_stays_one_line(tmp_path):
    with open_output(str(tmp_path / "out")) as writer:
        writer.write("a\nb\u2028c\ud800")
    assert (tmp_path / "out").read_bytes() == "a b c\ufffd\n".encode()


def test_lines_can_be_read_after_a_flush(tmp_path):
    with open_output(str(tmp_path / "out")) as writer:
        writer.write("a")
        writer.flush()
        assert (tmp_path / "out").read_bytes() == b"a\n"


def test_the_same_lines_give_the_same_gzip_file(tmp_path):
    for name in ("a.gz", "b.gz"):
        with open_output(str(tmp_path / name)) as writer:
            writer.write("a")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4)


def test_what_came_before_an_error_is_written(tmp_path):
    def fail_after_a_line():
        with open_output(str(tmp_path / "out")) as writer:
            writer.write("a")
            raise InputFileError("in", "cannot be read")

    with pytest.raises(InputFileError):
        fail_after_a_line()
    assert (tmp_path / "out").read_bytes() == b"a\n"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(StorageError, match="missing/out: cannot be written: No such file or directory") as caught:
        open_output(str(tmp_path / "missing" / "out"))
    assert caught.value.exit_code == 5
    with pytest.raises(StorageError, match="Is a directory"):
        open_output(str(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["plain", *COMPRESSED])
def test_a_full_disk_is_an_error(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/full")
    writer = open_output(str(tmp_path / name))
    writer.write("a")
    with pytest.raises(StorageError, match="No space left on device"):
        writer.__exit__(None, None, None)


@pytest.mark.promise(22, gate=1, full=1)
def test_promise_22_a_broken_pipe_passes_untouched():
    program = """
import sys
from nmt.io.streams import open_output
try:
    with open_output("-") as writer:
        for number in range(1000000):
            writer.write(f"line {number}")
except BrokenPipeError:
    sys.exit(141)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_standard_output_in_memory_is_written(monkeypatch):
    memory = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", memory)
    with open_output("-") as writer:
        writer.write("é")
    assert memory.buffer.getvalue() == b"\xc3\xa9\n"
