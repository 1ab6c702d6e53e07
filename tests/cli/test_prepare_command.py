"""`nmt prepare`: from a corpus as it is distributed to a folder that `nmt train` takes as it is."""

import gzip
import json
import lzma
import os
import resource
import signal
import subprocess
import time

import pytest

from corpora import lines, tarred, tmx, zipped
from corpora import tsv as corpora_tsv
from nmt.config import load_config
from program import command, environment
from system_files import SYSTEM_FILES

LANGUAGES = ("--source-language", "xx", "--target-language", "yy")
TO_GERMAN = ("--source-language", "en", "--target-language", "de")
SETS = ("train", "validation", "test")
FILES = {*(f"{name}.{side}" for name in SETS for side in ("xx", "yy")), "rejected.tsv.gz", "report.json", "config.yaml"}


@pytest.fixture
def tsv(tmp_path, make_sentences):
    """A corpus of 300 pairs in two columns."""
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(f"{line}\t{line.upper()[::-1]}\n" for line in dict.fromkeys(make_sentences(300, 5))))
    return path


def read(folder, name):
    return (folder / name).read_text().split("\n")[:-1]


def rejected(folder):
    assert (folder / "rejected.tsv.gz").read_bytes()[4:8] == bytes(4)  # no time, so that the same is the same
    header, *rows = gzip.decompress((folder / "rejected.tsv.gz").read_bytes()).decode().splitlines()
    assert header.split("\t") == ["place", "reason", "source", "target"]
    return [row.split("\t") for row in rows]


def report(folder):
    return json.loads((folder / "report.json").read_text())


def litter(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(".nmt-")]


def test_what_is_prepared_trains_as_it_is(call, tsv, tmp_path):
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES, "--minutes", "0.1")
    assert (done.code, done.out) == (0, b""), done.err
    assert done.err.splitlines()[-1] == f"  nmt train {tmp_path}/out/config.yaml"
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    tiny = ["training.max_steps=2", "training.validate_every=2", "tokenizer.vocabulary_size=290"]
    tiny += ["model={attention_size: 8, embedding_size: 8, readout_size: 8}", "search={beam_size: 1, max_length: 4}"]
    tiny += ["model.encoder.hidden_size=4", "model.decoder.hidden_size=8", "training.warmup_steps=0"]
    sets = [word for one in tiny for word in ("--set", one)]
    trained = call("train", tmp_path / "out" / "config.yaml", "--output", tmp_path / "run", *sets)
    assert trained.code == 0, trained.err


def test_every_pair_is_in_one_set_or_rejected(call, tsv, tmp_path):
    assert call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES).code == 0
    pairs = [
        pair
        for name in SETS
        for pair in zip(*(read(tmp_path / "out", f"{name}.{side}") for side in ("xx", "yy")), strict=True)
    ]
    pairs += [tuple(row[2:]) for row in rejected(tmp_path / "out")]
    assert sorted(pairs) == sorted(tuple(line.split("\t")) for line in tsv.read_text().splitlines())


def test_paths_are_written_as_the_folder_was_given(call, tsv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("prepare", "--no-trial", tsv, "--output", "deep/er/my corpus", *LANGUAGES).code == 0
    config = load_config("deep/er/my corpus/config.yaml")
    assert config.name == "my corpus" and config.data.train[0].source == ("deep/er/my corpus/train.xx",)
    assert (config.data.source_language, config.data.target_language) == ("xx", "yy")
    assert call("prepare", "--no-trial", tsv, "--output", tmp_path / "absolute", *LANGUAGES, "--test", "0").code == 0
    config = load_config(str(tmp_path / "absolute" / "config.yaml"))
    assert config.data.train[0].source == (f"{tmp_path}/absolute/train.xx",) and config.data.test is None
    assert not (tmp_path / "absolute" / "test.xx").exists()


def test_the_same_twice_is_the_same_and_another_seed_is_not(call, tsv, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert call("prepare", "--no-trial", tsv, "--output", tmp_path / name, *LANGUAGES, "--seed", seed).code == 0
    a, b, c = ({name: (tmp_path / one / name).read_bytes() for name in FILES} for one in "abc")
    assert a.pop("config.yaml") != b.pop("config.yaml")  # their folders
    assert a == b and a["test.xx"] != c["test.xx"]


def test_each_rejected_pair_is_told_with_its_place_and_reason(call, tsv, tmp_path):
    lines = tsv.read_text().splitlines()
    faulty = ["\tblank", "1 2 3\t...", lines[0], "damaged \ufffd\tso", "<a><b><c>\tx"]
    mended = ["it&apos;s  one\tdas&nbsp;ist eins"]
    tsv.write_text("\n".join(faulty + lines + mended) + "\n")
    out = tmp_path / "out"
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--validation", "20", "--test", "10")
    assert done.code == 0, done.err
    found = {row[0]: row[1] for row in rejected(out)}
    expected = {1: "blank", 2: "no_letters", 4: "damaged", 5: "markup", 6: "duplicate"}
    assert found.items() >= {f"{tsv}:{number}": reason for number, reason in expected.items()}.items()
    told = report(out)
    counts = {item["reason"]: item["pairs"] for item in told["rejected"]}
    assert counts["blank"] == counts["duplicate"] == 1 and sum(counts.values()) == len(found)
    assert told["pairs"]["read"] == told["pairs"]["kept"] + told["pairs"]["rejected"]
    assert told["sets"]["validation"] == len(read(out, "validation.xx")) == 20
    assert {item["kind"] for item in told["mended"]} == {"entities", "white_space"}
    assert "it's one" in [line for name in SETS for line in read(out, f"{name}.xx")]
    assert "1 left out: a side is blank (blank)" in done.err


def test_a_row_that_names_the_columns_is_left_out_with_its_reason(call, tsv, tmp_path):
    tsv.write_text("English\tGerman\nEnglish\tGerman\n" + tsv.read_text())
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *TO_GERMAN)
    assert done.code == 0 and "1 left out: the first row names the columns (header)" in done.err, done.err
    assert [row for row in rejected(tmp_path / "out") if row[1] == "header"] == [
        [f"{tsv}:1", "header", "English", "German"]
    ]


def test_clean_none_changes_and_leaves_out_nothing_that_is_a_line(call, tsv, tmp_path):
    odd = ["it&apos;s  one\tso", "1 2\t3", "1 2\t3"]
    tsv.write_text("\n".join([*odd, "\tblank", *tsv.read_text().splitlines()]) + "\n")
    out = tmp_path / "out"
    assert call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--clean", "none", "--seed", "3").code == 0
    kept = [line for name in SETS for line in read(out, f"{name}.xx")] + [row[2] for row in rejected(out)]
    assert {"it&apos;s  one", "1 2"} <= set(kept)
    assert {row[1] for row in rejected(out)} <= {"blank", "held_out_source", "held_out_target"}


@pytest.mark.parametrize("kind", ["pair", "tmx", "moses.zip", "talks.tgz", "tsv.xz", "standard input", "mixed"])
def test_it_takes_a_corpus_as_it_is_distributed(kind, call, tsv, tmp_path):
    pairs = [tuple(line.split("\t")) for line in tsv.read_text().splitlines()]
    sides = {f"train.xx-yy.{code}": lines(pairs, side) for side, code in enumerate(("xx", "yy"))}
    files = {
        "pair": sides,
        "tmx": {"a.tmx": tmx(pairs, codes=("XX-A", "YY"), encoding="utf-16")},
        "moses.zip": {"a.zip": zipped({"README": b"about", **sides})},
        "talks.tgz": {"a.tgz": gzip.compress(tarred({f"de/{name}": data for name, data in sides.items()}))},
        "tsv.xz": {"a.tsv.xz": lzma.compress(tsv.read_bytes())},
        "standard input": {},
        "mixed": {"a.tmx": tmx(pairs[:90], codes=("xx", "yy")), "b.zip": zipped({"x.tsv": corpora_tsv(pairs[90:])})},
    }[kind]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    inputs = [tmp_path / name for name in files] or ["-"]
    done = call(
        "prepare", "--no-trial", *inputs, "--output", tmp_path / "out", *LANGUAGES, "--quiet", stdin=tsv.read_bytes()
    )
    assert done.code == 0 and "few" in done.err and done.err.count("\n") == 1
    assert call("prepare", "--no-trial", tsv, "--output", tmp_path / "expected", *LANGUAGES).code == 0
    for name in ("train", "validation", "test"):
        for code in ("xx", "yy"):
            assert read(tmp_path / "out", f"{name}.{code}") == read(tmp_path / "expected", f"{name}.{code}")


@pytest.mark.parametrize(
    ("name", "data", "code", "what"),
    [
        ("a.tmx", b'<!DOCTYPE tmx [\n<!ENTITY a "aa">]><tmx/>', 65, "a.tmx:1: declares entities"),
        ("a.zip", zipped({"../a.tsv": b"a\tb\n"}), 65, "a.zip/../a.tsv: leads out of the folder"),
        ("a.zip", zipped({"a.tsv": (b"a\t" + b"b" * 1_000_000 + b"\n") * 200}), 65, "unpacks to more than 200 times"),
        ("a.tsv.gz", gzip.compress(b"a\tb\n" * 9, mtime=0)[:-9], 66, "a.tsv.gz: ends in the middle"),
        ("a.tsv", b"", 65, "a.tsv: is empty"),
        ("a.txt", b"one\ntwo\n", 65, "a.txt: has no tabs between source and target"),
    ],
)
def test_what_is_no_corpus_or_not_to_be_trusted_leaves_nothing(name, data, code, what, call, tmp_path):
    (tmp_path / name).write_bytes(data)
    done = call("prepare", "--no-trial", tmp_path / name, "--output", tmp_path / "out", *LANGUAGES)
    assert done.code == code and what in done.err, done.err
    assert not (tmp_path / "out").exists() and not litter(tmp_path)


def test_a_line_that_is_not_read_is_rejected_as_too_long(call, tsv, tmp_path):
    tsv.write_bytes(b"\t" * 1_000_000 + b"\n" + b"x" * (5 << 20) + b"\ty\n" + tsv.read_bytes())
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES)
    assert done.code == 0, done.err
    assert {row[0]: row[1] for row in rejected(tmp_path / "out")}.items() >= {
        f"{tsv}:1": "blank",
        f"{tsv}:2": "too_long",
    }.items()


def test_sides_that_are_the_other_way_round_are_exchanged(call, tmp_path):
    words = [f"{number}".translate(str.maketrans("0123456789", "abcdefghij")) for number in range(400)]
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(f"der und die {word} ist nicht\tthe and of {word} was this\n" for word in words))
    done = call("prepare", "--no-trial", path, "--output", tmp_path / "out", *TO_GERMAN)
    assert done.code == 0 and f"warning: {path}: has de before en; its sides were exchanged" in done.err
    assert all(line.startswith("the and of") for line in read(tmp_path / "out", "train.en"))
    assert report(tmp_path / "out")["swapped"] == [str(path)]


def test_a_side_in_another_language_is_warned_of(call, tmp_path):
    words = [f"{number}".translate(str.maketrans("0123456789", "abcdefghij")) for number in range(400)]
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(f"les des du {word} est dans\tder und die {word} ist nicht\n" for word in words))
    done = call("prepare", "--no-trial", path, "--output", tmp_path / "out", *TO_GERMAN, "--quiet")
    assert done.code == 0 and "warning: --source-language en: that side looks like fr; if it is, prepare" in done.err
    assert report(tmp_path / "out")["source"]["language"]["looks_like"] == "fr"
    assert report(tmp_path / "out")["target"]["language"] == {
        "expected": "de", "looks_like": "de", "scripts": {"LATIN": 1.0},
    }  # fmt: skip


def test_when_quiet_only_what_makes_a_training_hopeless_is_said(call, tsv, tmp_path, monkeypatch):
    few = "training pairs are too few to learn from"
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "few", *LANGUAGES, "--quiet")
    assert (done.code, done.out, done.err.count("\n")) == (0, b"", 1) and few in done.err
    for name in ("FEW_PAIRS", "FEW_UPDATES"):
        monkeypatch.setattr(f"nmt.preparation.right_size.{name}", 100)
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES, "--quiet")
    assert (done.code, done.out, done.err) == (0, b"", "")
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "short", *LANGUAGES, "--minutes", "0.1")
    *_, warning, _, check, train = done.err.splitlines()
    assert "teach hardly anything, and more of them gain nothing with so small a corpus" in warning
    assert check.startswith("  nmt check ") and train.startswith("  nmt train ")
    assert "if this machine, which was not tried, is like a laptop; each choice" in done.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--source-language", "en", "--target-language", "EN"), "is the source language, too"),
        (("--source-language", "e n", "--target-language", "en.gz"), "is no language code"),
        (("--source-language", "xx", "--target-language", "gz"), "is no language code"),
        (
            ("--source-language", "German", "--target-language", "en"),
            "German is the name of a language; expected its code, de",
        ),
        ((*LANGUAGES, "--clean", "much"), "none or safe or strict"),
        ((*LANGUAGES, "--validation", "0"), "--validation"),
        (LANGUAGES[:2], "--target-language"),
    ],
)
def test_mistakes_of_usage_are_2(arguments, expected, call, tsv, tmp_path):
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *arguments)
    assert done.code == 2 and expected in done.err and not (tmp_path / "out").exists()


def test_other_peoples_folders_are_left_alone(call, tsv, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    (out / "train.xx").write_text("mine, too")
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--overwrite")
    assert done.code == 2 and "holds other things than an earlier preparation: thesis.tex" in done.err
    (out / "thesis.tex").unlink()
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--overwrite")
    assert done.code == 2 and "has no report.json of a preparation" in done.err
    assert (out / "train.xx").read_text() == "mine, too"
    done = call("prepare", "--no-trial", tsv, "--output", tsv, *LANGUAGES, "--overwrite")
    assert done.code == 2
    monkeypatch.chdir(out)
    for folder in (".", tmp_path, "/"):
        assert call("prepare", "--no-trial", tsv, "--output", folder, *LANGUAGES, "--overwrite").code == 2
    assert not litter(tmp_path)


def test_what_a_desktop_left_is_nobodys(call, tsv, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in SYSTEM_FILES:
        (out / name).touch()
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES)
    assert done.code == 0, done.err
    for name in SYSTEM_FILES:
        (out / name).touch()
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES)
    assert done.code == 2 and "--overwrite replaces it" in done.err
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--overwrite")
    assert done.code == 0, done.err
    assert not litter(tmp_path)


def test_an_earlier_preparation_is_replaced_only_when_asked(call, tsv, tmp_path):
    out = tmp_path / "out"
    out.mkdir()  # empty
    assert call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES).code == 0
    before = (out / "train.xx").read_bytes()
    done = call("prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--seed", "2")
    assert done.code == 2 and "--overwrite replaces it" in done.err and (out / "train.xx").read_bytes() == before
    done = call("prepare", "--no-trial", out / "train.xx", "--output", out, *LANGUAGES, "--overwrite")
    assert done.code == 2 and "holds the input" in done.err
    assert call("prepare", "--no-trial", out, "--output", out, *LANGUAGES, "--overwrite").code == 2
    assert (
        call(
            "prepare", "--no-trial", tsv, "--output", out, *LANGUAGES, "--seed", "2", "--overwrite", "--test", "0"
        ).code
        == 0
    )
    assert (out / "train.xx").read_bytes() != before and not (out / "test.xx").exists()
    assert not litter(tmp_path)


def test_a_name_that_is_not_utf_8_is_one_of_an_input_and_not_of_a_folder(call, tsv, tmp_path):
    strange = tsv.rename(tmp_path / os.fsdecode(b"caf\xe9.tsv"))
    done = call("prepare", "--no-trial", strange, "--output", tmp_path / "out", *LANGUAGES)
    assert done.code == 0, done.err
    assert report(tmp_path / "out")["inputs"][0]["path"] == f"{tmp_path}/caf\ufffd.tsv"
    done = call("prepare", "--no-trial", strange, "--output", tmp_path / os.fsdecode(b"\xe9"), *LANGUAGES)
    assert done.code == 2 and "is a name that is not UTF-8" in done.err


def test_folders_above_are_made_and_go_again_where_nothing_is_prepared(call, tsv, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "new" / "folder")
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "a" / "b" / "c", *LANGUAGES, "--test", "5000")
    assert done.code == 65 and not (tmp_path / "a").exists()
    for output in (tmp_path / "a" / "b" / "c", tmp_path / "link"):
        assert call("prepare", "--no-trial", tsv, "--output", output, *LANGUAGES).code == 0
        assert (output / "config.yaml").exists()


def test_too_few_pairs_are_65_with_numbers_and_reasons(call, tsv, tmp_path):
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES, "--validation", "5000")
    assert done.code == 65 and "different source sentences are left" in done.err and "5,000 for validation" in done.err
    tsv.write_text("1\t2\n" * 7 + "\tx\n")
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES)
    assert done.code == 65 and "8 pairs were read" in done.err and f"7 no_letters ({tsv}:1), 1 blank" in done.err
    tsv.write_text("one\ttwo\n" * 7)
    done = call("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES)
    assert done.code == 65 and "6 duplicate" in done.err
    assert not (tmp_path / "out").exists() and not litter(tmp_path)


def test_a_disk_that_is_full_is_5_and_leaves_nothing(tsv, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    words = command("prepare", "--no-trial", tsv, "--output", tmp_path / "out", *LANGUAGES)
    done = subprocess.run(
        words, preexec_fn=limit, env=environment(PYTHONDONTWRITEBYTECODE="1"), capture_output=True, check=False
    )
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith(b"nmt: error: ") and b"Traceback" not in done.stderr
    assert not (tmp_path / "out").exists() and not litter(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(number, start_forked, tmp_path):
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(f"a sentence of number {one}\tein Satz mit der Nummer {one}\n" for one in range(400_000)))
    with start_forked("prepare", path, "--output", tmp_path / "out", *TO_GERMAN) as running:
        until = time.monotonic() + 60
        while not litter(tmp_path) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(running.pid, number)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number, err
    assert b"Traceback" not in err and not (tmp_path / "out").exists() and not litter(tmp_path)
