"""What Python code may hand to the interface, and the processes and threads that may use it."""

from __future__ import annotations

import inspect
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nmt import TranslateOptions, Translator, load_config, train
from nmt.config import SearchConfig
from nmt.errors import ConfigError, ModelError, StoppedError
from nmt.search.options import SamplingOptions

Use = Callable[[Translator], Any]

WRONG: list[tuple[Use, type[Exception], str]] = [
    (lambda t: t.translate([None]), TypeError, r"^lines\[0\] is None: expected text"),
    (lambda t: t.translate(["ba", b"ce"]), TypeError, r"^lines\[1\] is b'ce': .* bytes are decoded first"),
    (lambda t: t.translate(b"ba"), TypeError, "^lines is b'ba': expected a sequence"),
    (lambda t: t.translate({"ba", "ce"}), TypeError, "^lines is .*expected a sequence"),
    (lambda t: t.translate(None), TypeError, "^lines is None: expected a sequence"),
    (lambda t: t.translate(["ba"], {"beam_size": 3}), TypeError, r"^options is .*translator\.options\(beam_size=3\)"),
    (lambda t: t.translate(["ba"], prefixes=[None]), TypeError, r"^prefixes\[0\] is None"),
    (lambda t: t.translate(["ba"], numbers=["1"]), TypeError, r"^numbers\[0\] is '1': expected a whole number"),
    (lambda t: t.translate(["ba"], numbers=[-1]), ValueError, r"^numbers\[0\] is -1: expected a whole number"),
    (lambda t: t.attend(["ba"]), TypeError, r"^text is \['ba'\]: expected text"),
    (lambda t: t.attend("ba", {}), TypeError, "^options is {}"),
    (lambda t: t.attend("ba").page("letter"), ValueError, "^unit is 'letter': expected word or token"),
    (lambda t: t.options(beam_size=0), ValueError, "^beam_size is 0: expected a whole number from 1 to 1000"),
    (lambda t: t.options(beam_size=10**9), ValueError, "^beam_size is 1000000000: expected"),
    (lambda t: t.options(beam_size="3"), TypeError, "^beam_size is '3': expected a whole number"),
    (lambda t: t.options(beam_size=True), TypeError, "^beam_size is True: expected a whole number"),
    (lambda t: t.options(batch_tokens=-1), ValueError, "^batch_tokens is -1: expected a whole number of at least 1"),
    (lambda t: t.options(length_penalty=float("nan")), ValueError, "^length_penalty is nan: expected a number from 0"),
    (lambda t: t.options(n_best=0), ValueError, "^n_best is 0: expected a whole number from 1 to 1000"),
    (lambda t: t.options(attention="yes"), TypeError, "^attention is 'yes': expected true or false"),
    (lambda t: t.options(sampling={}), TypeError, "^sampling is {}: expected SamplingOptions"),
    (lambda t: t.options(beam=3), TypeError, "beam"),
    (lambda _: TranslateOptions(search={}), TypeError, "^search is {}: expected the section"),
    (lambda _: SamplingOptions(temperature="hot"), TypeError, "^temperature is 'hot': expected a finite number"),
    (lambda _: SamplingOptions(top_k=2**40), ValueError, "^top_k is 1099511627776: expected"),
    (lambda _: Translator.load(None), TypeError, "^path is None: expected a path"),
    (lambda _: Translator.load(b"run"), TypeError, "^path is b'run': expected a path"),
    (lambda _: Translator.load("run", device=0), TypeError, "^device is 0: expected text"),
    (lambda _: Translator.load("run", precision=None), TypeError, "^precision is None: expected text"),
    (lambda _: load_config(None), TypeError, "^path is None: expected a path"),
    (lambda _: load_config("my.yaml", "seed=2"), TypeError, r"^overrides is 'seed=2': expected a list"),
    (lambda _: train("my.yaml", "run"), TypeError, r"^config is 'my.yaml': .*load_config\('my.yaml'\) returns"),
]


@pytest.mark.parametrize(("use", "kind", "message"), WRONG)
def test_a_wrong_argument_is_named_with_what_is_expected(
    use: Use, kind: type[Exception], message: str, translator: Translator
) -> None:
    with pytest.raises(kind, match=message):
        use(translator)


def test_a_run_and_a_device_of_training_are_checked_before_anything_is_made(configuration: Path) -> None:
    config = load_config(configuration)
    wrong: list[tuple[Any, dict[str, Any], str]]
    wrong = [(3, {}, "^run is 3"), ("r", {"device": 0}, "^device is 0"), ("r", {"quiet": 2}, "^quiet is 2")]
    for run, others, message in wrong:
        with pytest.raises(TypeError, match=message):
            train(config, run, **others)
    assert not Path("r").exists()


def test_lines_may_be_any_texts_in_an_order(translator: Translator) -> None:
    expected = [found.text for found in translator.translate(["ba ce", "di"])]

    def generate() -> Iterator[str]:
        yield from ("ba ce", "di")

    for lines in (("ba ce", "di"), generate(), np.array(["ba ce", "di"])):
        assert [found.text for found in translator.translate(lines)] == expected
    assert translator.translate([]) == []


def test_numbers_of_numpy_and_torch_are_numbers(translator: Translator) -> None:
    options = translator.options(beam_size=np.int64(3), length_penalty=np.float32(0.5), attention=np.bool_(True))
    assert options == translator.options(beam_size=3, length_penalty=0.5, attention=True)
    assert type(options.search.beam_size) is int and options.attention is True
    assert translator.options(n_best=torch.tensor(2)).n_best == 2
    assert SamplingOptions(seed=np.int64(3)) == SamplingOptions(seed=3)


def test_help_lists_every_option() -> None:
    named = set(inspect.signature(Translator.options).parameters) - {"self"}
    of_options = {name for name in TranslateOptions.__dataclass_fields__ if name != "search"}
    assert named == of_options | set(SearchConfig.model_fields)


def test_a_configuration_may_be_a_path(configuration: Path) -> None:
    assert load_config(configuration) == load_config(str(configuration))
    with pytest.raises(ConfigError, match=r"^nowhere/x.yaml: no such file"):
        load_config(Path("nowhere/x.yaml"))


def texts(translator: Translator, lines: list[str]) -> list[str]:
    return [found.text for found in translator.translate(lines)]


def test_a_translator_is_pickled_by_its_path(learned: Path, source_lines: list[str], tmp_path: Path) -> None:
    run = shutil.copytree(learned, tmp_path / "run")
    translator = Translator.load(run, precision="bf16")
    pickled = pickle.dumps(translator)
    assert len(pickled) < 2000
    again = pickle.loads(pickled)  # noqa: S301 (made here)
    assert again is not translator and texts(again, source_lines) == texts(translator, source_lines)
    assert pickle.dumps(again) == pickled
    for file in translator.directory.iterdir() if translator.directory else ():
        file.unlink()
    with pytest.raises(ModelError):
        pickle.loads(pickled)  # noqa: S301


def test_another_model_in_the_directory_is_refused(learned: Path, model: Path, tmp_path: Path) -> None:
    place = tmp_path / "model"
    first, second = (Translator.load(run).directory for run in (learned, model))
    assert first is not None and second is not None
    shutil.copytree(first, place)
    pickled = pickle.dumps(Translator.load(place))
    shutil.rmtree(place)
    shutil.copytree(second, place)
    with pytest.raises(ModelError, match="another model than when the Translator was pickled"):
        pickle.loads(pickled)  # noqa: S301


def test_a_translator_without_a_directory_cannot_be_pickled(translator: Translator) -> None:
    made = Translator(translator.model, translator.tokenizers, translator.config)
    with pytest.raises(TypeError, match="not loaded from a directory cannot be pickled"):
        pickle.dumps(made)


def test_an_error_is_pickled_as_it_is() -> None:
    for error in (ModelError("here", "is wrong"), StoppedError("run", "stopped", 15)):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (type(again), str(again), again.problems) == (type(error), str(error), error.problems)
        assert again.exit_code == error.exit_code


def test_another_process_gets_the_translator_with_its_task(learned: Path, source_lines: list[str]) -> None:
    translator = Translator.load(learned)
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(texts, (translator, source_lines)) == texts(translator, source_lines)


def test_threads_share_a_translator(learned: Path, source_lines: list[str]) -> None:
    lines = source_lines * 4
    translator = Translator.load(learned)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: translator.translate(lines), range(8)))
    expected = translator.translate(lines)
    assert all([one.text for one in some] == [one.text for one in expected] for some in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("loads", [False, True], ids=["inherited", "loaded there"])
def test_a_process_made_by_fork_translates(loads: bool, learned: Path, source_lines: list[str]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        translator = Translator.load(learned)
        large = torch.randn(600, 600)
        large @ large  # starts the threads
        expected = texts(translator, source_lines)
        child = os.fork()
        if child == 0:
            try:
                mine = Translator.load(learned) if loads else translator
                same = texts(mine, source_lines) == expected and bool((large @ large).isfinite().all())
                os._exit(0 if same else 1)
            finally:
                os._exit(2)
        for _ in range(200):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            time.sleep(0.1)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        assert os.waitstatus_to_exitcode(status) == 0
    finally:
        torch.set_num_threads(before)
