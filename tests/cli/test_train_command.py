"""`nmt train`: what it refuses, how it goes on, what it says."""

import gc
import json
from pathlib import Path

import pytest

from nmt.checkpoint.checkpoint import Checkpoint
from nmt.checkpoint.layout import WEIGHTS
from nmt.training.trainer import Trainer
from nmt.training.validation import Validator


@pytest.fixture
def trained(call, configuration, tmp_path):
    """A run that has finished ten steps."""
    run = tmp_path / "run"
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=10")
    assert done.code == 0, done.err
    return run


@pytest.mark.parametrize(("attention", "warnings"), [("none", 1), ("dot", 0)])
def test_a_model_that_is_trained_step_by_step_says_so_once(attention, warnings, call, configuration, tmp_path):
    changes = [f"model.attention={attention}", "model.decoder.conditional=true", "training.max_steps=2"]
    given = [part for change in changes for part in ("--set", change)]
    done = call("train", configuration, "--output", tmp_path / "run", *given)
    assert (done.code, done.err.count("is trained step by step")) == (0, warnings), done.err
    assert "of 2 updates it has hardly learned anything" in done.err and "try it" not in done.err


def test_three_mistakes_are_three_lines_with_file_and_line(process, configuration, tmp_path):
    broken = tmp_path / "my.yaml"
    text = configuration.read_text().replace("attention_size: 8", "atention_size: 8")
    text = text.replace("layers: 1}", "layers: none}", 1).replace("beam_size: 2", "beam_size: 0")
    broken.write_text(text)
    numbers = [
        1 + text[: text.index(word)].count("\n") for word in ("atention_size", "layers: none", "search", "beam_size")
    ]
    done = process("train", broken, "--output", tmp_path / "run")
    assert (done.code, done.out) == (2, b"")
    assert len(done.errors) == len(done.err.splitlines()) == 3, done.err
    assert done.errors[0].startswith(f"nmt: error: {broken}:{numbers[0]}: model.atention_size: unknown key")
    assert "attention_size" in done.errors[0].split("unknown key")[1]
    assert done.errors[1].startswith(f"nmt: error: {broken}:{numbers[1]}: model.encoder.layers: ")
    assert done.errors[2].startswith(f"nmt: error: {broken}:{numbers[3]}: search.beam_size: ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (("train.xx", "absent.xx"), 66, ["absent.xx"]),
        (("validation.yy", "absent.yy"), 66, ["absent.yy"]),
        (("train.xx", "validation.xx"), 65, ["validation.xx", "12", "200"]),
        (("train.xx, target: ", "blank, target: "), 65, []),
    ],
)
def test_a_corpus_that_cannot_be_used_is_named(change, code, words, call, data, configuration, tmp_path):
    (data / "blank").write_text("\n" * 200)
    broken = tmp_path / "broken.yaml"
    broken.write_text(configuration.read_text().replace(*change))
    done = call("train", broken, "--output", tmp_path / "run")
    assert (done.code, done.out) == (code, b""), done.err
    assert all(any(word in error for error in done.errors) for word in words), done.err
    assert "Traceback" not in done.err


def test_unequal_files_are_found_before_the_tokenizer_is_trained(call, data, configuration, tmp_path):
    broken = tmp_path / "broken.yaml"
    text = (
        configuration.read_text()
        .replace("train.xx", "validation.xx")
        .replace(f"target: {data}/validation.yy", f"target: {data}/train.yy")
    )
    broken.write_text(text)
    done = call("train", broken, "--output", tmp_path / "run")
    assert done.code == 65
    assert len(done.errors) == 2, done.err
    assert "tokenizer: " not in done.err


@pytest.mark.parametrize("command", ["train", "check"])
def test_started_in_another_folder_it_names_the_right_one_and_leaves_nothing(
    command, call, data, configuration, monkeypatch, tmp_path
):
    project, elsewhere = tmp_path / "my project", tmp_path / "elsewhere"
    (project / "configs").mkdir(parents=True)
    elsewhere.mkdir()
    (project / "data").symlink_to(data)
    relative = project / "configs" / "small.yaml"
    relative.write_text(configuration.read_text().replace(f"{data}/", "data/"))
    monkeypatch.chdir(elsewhere)
    done = call(command, relative)
    told = done.errors if command == "train" else done.lines
    assert done.code == 66 and sum("no such file" in line for line in told) == (4 if command == "train" else 6)
    explained = (
        f"paths are relative to the folder in which nmt runs ({elsewhere}); run it where they are: cd '{project}'"
    )
    assert sum(explained in line for line in told) == 1, told
    assert not list(elsewhere.iterdir())
    (project / "data").unlink()
    assert "run it where" not in call(command, relative).err
    (elsewhere / "runs" / "tiny").mkdir(parents=True)
    (elsewhere / "runs" / "tiny" / "train.log").touch()
    call(command, relative)
    assert (elsewhere / "runs" / "tiny" / "train.log").exists()


@pytest.mark.parametrize("command", ["train", "check"])
def test_of_a_folder_its_configuration_is_suggested(command, call, tmp_path):
    assert call(command, tmp_path).errors == [f"nmt: error: {tmp_path}: cannot be read: it is a folder"]
    (tmp_path / "config.yaml").touch()
    done = call(command, tmp_path)
    assert (done.code, len(done.errors)) == (2, 1)
    assert done.errors[0].endswith(f"did you mean {tmp_path}/config.yaml?")


@pytest.mark.parametrize("name", ["cuda:99", "cuda:7"])
def test_an_absent_device_is_69(name, call, configuration, model, tmp_path):
    assert call("train", configuration, "--output", tmp_path / "run", "--device", name).code == 69
    assert call("translate", model, "--device", name).code == 69


@pytest.mark.parametrize("option", [("--device", "tpu"), ("--precision", "fp8"), ("--set", "x"), ("--threads", "0")])
def test_a_wrong_option_is_2(option, call, configuration, tmp_path):
    done = call("train", configuration, "--output", tmp_path / "run", *option)
    assert (done.code, done.out) == (2, b"")
    assert "Traceback" not in done.err


def test_a_changed_key_is_refused_with_both_values(call, configuration, trained):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file() and path.name != "train.log"}
    changes = ["--set", "training.learning_rate=0.25", "--set", "model.dropout=0.125", "--set", "training.max_steps=11"]
    done = call("train", configuration, "--output", trained, *changes)
    assert (done.code, done.out) == (2, b"")
    assert len(done.errors) == 2
    rate, dropout = sorted(done.errors, reverse=True)
    assert "training.learning_rate" in rate and "0.001" in rate and "0.25" in rate
    assert "model.dropout" in dropout and "0.3" in dropout and "0.125" in dropout
    assert all(path.read_bytes() == content for path, content in before.items() if path.name != ".lock")


def test_limits_and_intervals_may_change(call, configuration, trained):
    changes = "max_steps=12 max_epochs=40 max_minutes=9 patience=7 log_every=1 validate_every=3 save_every_minutes=3"
    done = call(
        "train", configuration, "--output", trained, *(f"--set=training.{change}" for change in changes.split())
    )
    assert done.code == 0, done.err
    assert "going on from step 10" in done.err
    records = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if record["split"] == "train"] == [5, 10, 11, 12]


def test_a_finished_run_says_so(call, configuration, trained):
    done = call("train", configuration, "--output", trained, "--set", "training.max_steps=10")
    assert (done.code, done.out) == (0, b"")
    told = "finished already: max_steps 10 reached; --set training.max_steps=20 goes on, --restart begins anew"
    assert told in done.err
    both = call("train", configuration, "--output", trained, "--set", "training={max_steps: 9, max_minutes: 0.0001}")
    assert "; --set training.max_steps=20 --set training.max_minutes=2 goes on" in both.err, both.err


def test_restart_begins_anew(call, configuration, trained):
    options = ["--set", "training.max_steps=5", "--set", "seed=7"]
    assert call("train", configuration, "--output", trained, *options).code == 2
    kept = trained / "notes.txt"
    kept.write_text("of the user")
    done = call("train", configuration, "--output", trained, *options, "--restart")
    assert done.code == 0, done.err
    assert [path.name for path in (trained / "checkpoints").iterdir()] == ["step-00000005"]
    assert kept.exists()


def test_the_run_directory_is_laid_out_as_documented(model):
    assert {path.name for path in model.iterdir()} >= {
        *("config.yaml", "tokenizer", "corpus", "checkpoints", "best", "last", "metrics.jsonl", "train.log")
    }
    checkpoint = model / "checkpoints" / (model / "last").read_text().strip()
    assert {path.name for path in checkpoint.iterdir()} == {
        *("model.safetensors", "optimizer.safetensors", "state.json", "config.yaml", "manifest.json", "shared.model")
    }


def test_metrics_have_the_documented_fields(model):
    records = [json.loads(line) for line in (model / "metrics.jsonl").read_text().splitlines()]
    every = {"split", "step", "epoch", "seconds", "loss"}
    train = every | {"learning_rate", "target_tokens", "target_tokens_per_second"}
    validation = every | {"perplexity", "bleu", "chrf"}
    assert {record["split"] for record in records} == {"train", "validation"}
    for record in records:
        assert record.keys() == (train if record["split"] == "train" else validation)
        # Those since the last record alone: of five steps of at most 128.
        assert 5 < record.get("target_tokens", 6) <= 5 * 128


def test_a_full_log_does_not_end_training(forked, configuration, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "train.log").symlink_to("/dev/full")
    done = forked("train", configuration, "--output", run, "--set", "training.max_steps=2", memory=None)
    assert done.code == 0, done.err
    assert done.err.count("cannot be written") == 1
    assert "Traceback" not in done.err


def test_the_folder_is_runs_and_the_name(call, configuration, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("train", configuration, "--set", "training.max_steps=1", "--set", "name=aa-bb")
    assert done.code == 0, done.err
    assert (Path("runs") / "aa-bb" / "last").exists()


def content(folder):
    """The files of a folder, but for those that every training writes to."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("train.log", ".lock")
    }


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("data.train.source=absent.xx", 66),
        ("data.validation.source={data}/train.xx", 65),
        ("tokenizer.source_model=absent.model", 66),
        ("tokenizer.source_model={data}/train.xx", 4),
        ("training.learning_rate=1e38", 6),
    ],
)
def test_a_restart_that_fails_loses_nothing(setting, code, call, data, configuration, trained):
    before = content(trained)
    settings = ["--set", setting.format(data=data), "--set", "training.clip_norm=null"]
    done = call("train", configuration, "--output", trained, *settings, "--restart")
    assert done.code == code, done.err
    assert content(trained) == before
    assert {path.name for path in trained.iterdir() if path.name.startswith(".")} == {".lock"}


def test_a_restart_that_fails_in_the_model_loses_no_checkpoint(call, configuration, trained, monkeypatch):
    before = content(trained)

    def fail(*_):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Validator, "__init__", fail)
        done = call("train", configuration, "--output", trained, "--set", "seed=9", "--restart")
    assert done.code == 7, done.err
    after = content(trained)  # the seed has given another tokenizer and corpus, which resuming makes anew
    assert all(after[name] == data for name, data in before.items() if not name.startswith(("tokenizer", "corpus")))
    done = call("train", configuration, "--output", trained, "--set", "training.max_steps=12")
    assert done.code == 0 and "going on from step 10" in done.err


def test_a_restart_keeps_tokenizer_and_corpus_that_are_the_same(call, configuration, trained):
    changes = ["--set", "training.max_steps=3", "--set", "training.learning_rate=0.01", "--restart"]
    written = (trained / "corpus" / "source.ids").stat().st_ino
    done = call("train", configuration, "--output", trained, *changes)
    assert done.code == 0 and "tokenizer: unchanged" in done.err
    assert (trained / "corpus" / "source.ids").stat().st_ino == written


def test_a_restart_minds_no_linked_folder(call, configuration, trained, tmp_path):
    for name in ("corpus", "tensorboard"):
        elsewhere = tmp_path / "elsewhere" / name
        elsewhere.mkdir(parents=True)
        if (trained / name).exists():
            for path in (trained / name).iterdir():
                path.rename(elsewhere / path.name)
            (trained / name).rmdir()
        (trained / name).symlink_to(elsewhere)
    options = ["--set", "training.max_steps=2", "--set", "data.max_length=50", "--restart"]
    done = call("train", configuration, "--output", trained, *options)
    assert done.code == 0, done.err
    assert not [path.name for path in trained.iterdir() if path.name.startswith(".nmt")]


@pytest.mark.parametrize("restart", [[], ["--restart"]])
def test_a_folder_of_the_users_is_refused_and_left_alone(
    restart, call, data, make_configuration, tmp_path, monkeypatch
):
    folder = tmp_path / "work"
    (folder / "corpus").mkdir(parents=True)
    for path in data.iterdir():
        (folder / "corpus" / path.name).write_bytes(path.read_bytes())
    (folder / "config.yaml").write_text(make_configuration(Path("corpus")))
    before = content(folder)
    monkeypatch.chdir(folder)
    done = call("train", "config.yaml", "--output", ".", *restart)
    assert (done.code, done.out) == (2, b"")
    assert [error for error in done.errors if error.startswith("nmt: error: config.yaml: ")]
    assert [error for error in done.errors if error.startswith("nmt: error: corpus: ")]
    assert [error for error in done.errors if error.startswith("nmt: error: corpus/train.xx: ")]
    assert content(folder) == before and {path.name for path in folder.iterdir()} == {"corpus", "config.yaml"}


def test_an_exported_model_is_no_run_directory(call, configuration, model, tmp_path):
    assert call("export", model, tmp_path / "exported").code == 0
    before = content(tmp_path / "exported")
    assert call("train", configuration, "--output", tmp_path / "exported").code == 2
    assert content(tmp_path / "exported") == before
    assert call("info", tmp_path / "exported").code == 0


def test_changed_text_is_refused_before_the_corpus_is_replaced(call, data, make_configuration, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for path in data.iterdir():
        (own / path.name).write_bytes(path.read_bytes())
    (tmp_path / "own.yaml").write_text(make_configuration(own))
    train = ["train", tmp_path / "own.yaml", "--output", tmp_path / "run", "--set"]
    assert call(*train, "training.max_steps=2").code == 0
    before = content(tmp_path / "run" / "corpus")
    with (own / "train.xx").open("a") as source, (own / "train.yy").open("a") as target:
        source.write("mehr\n")
        target.write("MEHR\n")
    done = call(*train, "training.max_steps=4")
    assert done.code == 65 and "changed since this run began" in done.errors[0]
    assert content(tmp_path / "run" / "corpus") == before


def test_the_best_is_the_one_that_the_resumed_training_knows(call, configuration, trained, monkeypatch):
    options = ["--output", trained, "--set", "training.max_steps=12", "--set", "training.validate_every=1"]
    options += ["--set", "training.patience=null"]
    assert (trained / "best").read_text() == "step-00000010\n"
    (trained / "best").write_text("step-00000011\n")  # of a validation that a kill left without its mark as last
    best = []
    fit = Trainer.fit
    monkeypatch.setattr(
        Trainer, "fit", lambda self, *a, **k: best.append((trained / "best").read_text()) or fit(self, *a, **k)
    )
    assert call("train", configuration, *options).code == 0
    assert best == ["step-00000010\n"]


def test_a_resumed_training_holds_no_checkpoint(call, configuration, trained, monkeypatch):
    held = []
    fit = Trainer.fit

    def look_and_fit(self, *arguments, **options):
        gc.collect()
        held.extend(thing for thing in gc.get_objects() if type(thing) is Checkpoint)
        return fit(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "fit", look_and_fit)
    done = call("train", configuration, "--output", trained, "--set", "training.max_steps=11")
    assert done.code == 0 and "going on from" in done.err
    assert held == []


def test_reverse_trains_the_other_direction_into_a_run_of_its_own(configuration, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for steps in (1, 2):  # and resumes it
        done = call("train", configuration, "--reverse", "--set", f"training.max_steps={steps}")
        assert done.code == 0 and f"max_steps {steps} reached" in done.err, done.err
    [run] = (tmp_path / "runs").iterdir()
    assert run.name == "tiny-reverse"
    told = json.loads(call("info", run, "--format", "json").out)
    assert (told["source_language"], told["target_language"]) == ("yy", "xx")
    done = call("check", configuration, "--reverse", "--no-trial", "--set", "training.max_steps=2")
    assert "finished already" in done.out.decode() + done.err


def test_what_another_run_has_prepared_is_taken_over_and_trains_the_same(call, configuration, trained, tmp_path):
    settings = ("--set", "training.max_steps=10", "--set", "training.guided_alignment=0.3")
    alone, beside, named = tmp_path / "apart" / "alone", tmp_path / "beside", tmp_path / "far" / "named"
    for run, other in ((alone, None), (beside, trained), (named, beside)):
        there = () if run is not named else ("--set", f"data.prepared={beside}")
        done = call("train", configuration, "--output", run, *settings, *there)
        assert done.code == 0, done.err
        for folder in ("tokenizer", "corpus"):
            assert (f"that of {other}/{folder}, which is of the same text" in done.err) == (other is not None)
        assert (f"those of {other}/alignments, which are of the same corpus" in done.err) == (run is named)
    weights = [(run / "checkpoints" / "step-00000010" / WEIGHTS).read_bytes() for run in (alone, beside, named)]
    assert weights[0] == weights[1] == weights[2]
    again = call("train", configuration, "--output", named, *settings, "--set", "training.max_steps=12")
    assert again.code == 0 and "which is of the same text" not in again.err, again.err
