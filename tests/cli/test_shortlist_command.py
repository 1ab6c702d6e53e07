"""From a run's corpus to the table of its shortlist, into the model and along with it."""

import fcntl
import json
import shutil
import time

import pytest
import torch
from safetensors.torch import load_file, save

from nmt.checkpoint.layout import MANIFEST, SHORTLIST
from nmt.checkpoint.manifest import verify
from sealing import put


@pytest.fixture
def run(model, tmp_path):
    """A copy of the finished run, to be written to."""
    return shutil.copytree(model, tmp_path / "run")


@pytest.fixture
def listed(run, call):
    """The same with a table."""
    done = call("shortlist", run)
    assert (done.code, done.out) == (0, b""), done.err
    assert "learned from 200 of 200 pairs" in done.err
    return run


def checkpoint(run):
    return run / "checkpoints" / (run / "best").read_text().strip()


def test_a_table_is_put_into_the_best_checkpoint(listed, model, call):
    best = checkpoint(listed)
    assert verify(best) == []
    before, after = ({path.name for path in place.iterdir()} for place in (checkpoint(model), best))
    assert after - before == {SHORTLIST} and before <= after
    for name in before - {MANIFEST}:
        assert (best / name).read_bytes() == (checkpoint(model) / name).read_bytes()
    again = best.stat()
    assert call("shortlist", listed).code == 0
    assert best.stat().st_ino == again.st_ino  # the same table changes nothing


def test_the_table_is_used_where_it_is_asked_for_and_goes_along_with_an_export(listed, model, call, data, tmp_path):
    source, reference = data / "validation.xx", data / "validation.yy"
    plain = call("translate", model, "--input", source)
    assert call("translate", listed, "--input", source).out == plain.out
    short = call("translate", listed, "--input", source, "--shortlist", "1")
    assert short.code == 0 and len(short.lines) == len(plain.lines)
    assert short.out != plain.out
    assert call("export", listed, tmp_path / "exported").code == 0
    assert call("translate", tmp_path / "exported", "--input", source, "--shortlist", "1").out == short.out
    saved = tmp_path / "saved"
    scored = call("eval", listed, "--src", source, "--ref", reference, "--shortlist", "1", "--save-output", saved)
    assert scored.code == 0 and saved.read_bytes() == short.out
    assert call("attend", listed, "ba ce", "--shortlist", "1").code == 0


def test_a_run_goes_on_with_its_table(listed, call, configuration):
    done = call("train", configuration, "--output", listed, "--set", "training.max_steps=20")
    assert done.code == 0 and "going on from step 15" in done.err
    assert call("translate", listed, stdin=b"ba\n").code == 0


def test_a_configured_shortlist_leaves_validation_alone(call, configuration, model, tmp_path, data):
    train = ["train", configuration, "--set", "training.max_steps=15", "--output", tmp_path / "run"]
    assert call(*train, "--set", "search.shortlist=1").code == 0
    bleu = [
        [json.loads(line)["bleu"] for line in (run / "metrics.jsonl").read_text().splitlines() if "bleu" in line]
        for run in (tmp_path / "run", model)
    ]
    assert bleu[0] == bleu[1]
    done = call("translate", tmp_path / "run", stdin=b"ba\n")
    assert done.code == 4 and "shortlist: is 1, but the model has no table for it" in done.errors[0]
    assert call("translate", tmp_path / "run", "--shortlist", "0", stdin=b"ba\n").code == 0
    assert call("shortlist", tmp_path / "run").code == 0
    source = data / "validation.xx"
    expected = call("translate", tmp_path / "run", "--input", source, "--shortlist", "1")
    assert call("translate", tmp_path / "run", "--input", source).out == expected.out


@pytest.mark.parametrize("command", ["translate", "eval", "attend"])
def test_without_a_table_a_shortlist_is_4_before_anything_is_written(command, call, model, data, tmp_path):
    output = tmp_path / "out"
    output.write_text("kept\n")
    source, reference = data / "validation.xx", data / "validation.yy"
    arguments = {
        "translate": ["--input", source, "--output", output],
        "eval": ["--src", source, "--ref", reference, "--save-output", output],
        "attend": ["ba"],
    }[command]
    done = call(command, model, "--shortlist", "20", *arguments)
    assert (done.code, done.out) == (4, b"")
    assert done.errors == [
        "nmt: error: shortlist: is 20, but the model has no table for it; `nmt shortlist` makes one, and 0 is off"
    ]
    assert output.read_text() == "kept\n"


@pytest.mark.parametrize("value", ["-1", "99999999999"])
def test_an_impossible_shortlist_is_2(value, call, model):
    done = call("translate", model, "--shortlist", value, stdin=b"ba\n")
    assert done.code == 2 and "--shortlist: expected a whole number of at least 0" in done.errors[0]


def test_only_a_run_has_a_corpus_to_learn_from(call, run, tmp_path):
    assert call("export", run, tmp_path / "exported").code == 0
    for place in (tmp_path / "absent", tmp_path / "exported", checkpoint(run)):
        done = call("shortlist", place)
        assert done.code == 4 and "expected a run directory" in done.errors[0]
    corpus = run / "corpus"
    ids = (corpus / "target.ids").read_bytes()
    (corpus / "target.ids").write_bytes(b"\xff\xff" + ids[2:])
    assert (call("shortlist", run).code, "damaged" in call("shortlist", run).errors[0]) == (65, True)
    (corpus / "target.ids").write_bytes(ids)
    description = json.loads((corpus / "corpus.json").read_text())
    description["corpus"]["fingerprint"] = "other"
    (corpus / "corpus.json").write_text(json.dumps(description))
    done = call("shortlist", run)
    assert done.code == 65 and "not the corpus that step-00000015 was trained on" in done.errors[0]
    shutil.rmtree(corpus)
    assert call("shortlist", run).code == 65
    assert not (checkpoint(run) / SHORTLIST).exists()


def test_a_run_in_use_is_75(call, run):
    with (run / ".lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert call("shortlist", run).code == 75


def hostile_tables(good):
    """Files that are no table of this model."""
    yield b""
    yield b"\xff" * 100
    yield save({"translations": torch.zeros(3, 3, dtype=torch.int32), "frequent": torch.zeros(1, dtype=torch.int32)})
    yield save({name: tensor.float() for name, tensor in good.items()})
    yield save({**good, "frequent": torch.tensor([1 << 30], dtype=torch.int32)})
    yield save({**good, "translations": good["translations"] - 5})
    yield save({**good, "more": good["frequent"].clone()})
    yield save({"frequent": good["frequent"]})


def test_a_hostile_table_is_4_and_names_its_file(call, listed, tmp_path):
    assert call("export", listed, tmp_path / "exported").code == 0
    path = tmp_path / "exported" / SHORTLIST
    good = {name: tensor.clone() for name, tensor in load_file(path).items()}
    for data in hostile_tables(good):
        put(path.parent, SHORTLIST, data)
        for options in ([], ["--shortlist", "5"]):
            started = time.monotonic()
            done = call("translate", path.parent, *options, stdin=b"ba\n")
            assert (done.code, done.out) == (4, b""), done.err
            assert str(path) in done.errors[0] and time.monotonic() - started < 5


def test_a_damaged_table_is_found(call, listed, tmp_path):
    assert call("export", listed, tmp_path / "exported").code == 0
    path = tmp_path / "exported" / SHORTLIST
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    done = call("translate", path.parent, stdin=b"ba\n")
    assert done.code == 4 and f"{path}: damaged" in done.errors[0]
    path.unlink()
    path.symlink_to(checkpoint(listed) / SHORTLIST)
    done = call("translate", path.parent, stdin=b"ba\n")
    assert done.code == 4 and f"{path}: a link" in done.errors[0]
