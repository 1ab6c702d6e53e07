"""The translator inside pipelines of others: kinds of batches, and the examples of the documentation, as they stand."""

from __future__ import annotations

import decimal
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pandas
import pyarrow
import pytest
from pyarrow import parquet

from nmt.bulk import BulkTranslator, Columns, spark_translator
from nmt.bulk.columns import is_missing
from nmt.errors import DataError, ModelError
from nmt.search.options import SamplingOptions

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "many-rows.md"
TEXTS = ["ba ce di", None, "", "fo gu ha", "ki lo mu ba", "x" * (1 << 20) + "x"]
# What Ray starts by itself takes twice as long.
START = "import ray; ray.init('local', num_cpus=2, include_dashboard=False, log_to_driver=False)\n"
# What of Java and Spark makes only programs faster that run for minutes, or serves pages.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
SPARK_DEFAULTS = "spark.ui.enabled false\nspark.sql.codegen.wholeStage false\nspark.sql.adaptive.enabled false\n"
ERRORS = [None, "is null", None, None, None, "is longer than 1,048,576 bytes"]


def batch_of(kind: str, texts: list[Any]) -> Any:
    keys = list(range(len(texts)))
    if kind == "pyarrow":
        return pyarrow.table({"key": keys, "text": texts})
    if kind == "pandas":
        return pandas.DataFrame({"key": keys, "text": texts}, index=keys[::-1])
    return {"key": numpy.array(keys), "text": numpy.array(texts, dtype=object)}


def rows_of(batch: Any) -> dict[str, list[Any]]:
    if isinstance(batch, dict):
        return {name: values.tolist() for name, values in batch.items()}
    if isinstance(batch, pyarrow.Table):
        return dict(batch.to_pydict())
    return dict(pyarrow.Table.from_pandas(batch, preserve_index=False).to_pydict())


@pytest.mark.parametrize("kind", ["pyarrow", "pandas", "numpy"])
def test_a_batch_comes_back_as_it_was_with_more_columns(kind, model, translator) -> None:
    translate = BulkTranslator(model, Columns(score=True, confidence=True), beam_size=3)
    batch = batch_of(kind, TEXTS)
    done = translate(batch)
    rows = rows_of(done)
    assert type(done) is type(batch) and list(rows) == ["key", "text", "translation", "score", "confidence", "error"]
    assert rows["key"] == list(range(len(TEXTS))) and rows["error"] == ERRORS
    expected = translator.translate([text or "" for text in TEXTS[:-1]], translator.options(beam_size=3))
    texts = [None if error else one.text for one, error in zip([*expected, expected[0]], ERRORS, strict=True)]
    assert rows["translation"] == texts
    assert [bool(pandas.isna(score)) for score in rows["score"]] == [error is not None for error in ERRORS]
    assert rows["score"][0] == pytest.approx(expected[0].outputs[0].score, abs=1e-5)


def test_types_of_columns_do_not_depend_on_what_is_null(model) -> None:
    translate = BulkTranslator(model)
    schemas = {translate(batch_of("pyarrow", texts)).schema for texts in (["ba"], [None], [])}
    kinds = {(schema.field("translation").type, schema.field("error").type) for schema in schemas}
    assert kinds == {(pyarrow.string(), pyarrow.string())}


def test_numbers_of_numpy_are_numbers_also_where_all_are_missing(model) -> None:
    translate = BulkTranslator(model, Columns(score=True))
    assert {translate(batch_of("numpy", [text]))["score"].dtype for text in ("ba", None)} == {numpy.dtype(float)}


def test_samples_need_an_identity_and_follow_it(model) -> None:
    sampling = SamplingOptions(temperature=3.0)
    with pytest.raises(ValueError, match="needs columns with an id"):
        BulkTranslator(model, sampling=sampling)
    translate = BulkTranslator(model, Columns(id="key"), sampling=sampling)
    texts = ["ba ce di fo"] * 8
    whole = rows_of(translate(batch_of("pyarrow", texts)))["translation"]
    halves = [translate(batch_of("pyarrow", texts).slice(start, 4)) for start in (0, 4)]
    assert whole == [text for half in halves for text in rows_of(half)["translation"]] and len(set(whole)) > 3


def test_a_batch_without_the_column_is_told(model) -> None:
    with pytest.raises(DataError, match="has no column 'source'; it has key, text"):
        BulkTranslator(model, Columns("source"))(batch_of("pyarrow", ["ba"]))
    with pytest.raises(DataError, match="has a column 'key' already"):
        BulkTranslator(model, Columns(to="key"))(batch_of("pandas", ["ba"]))


def test_what_spark_takes_is_pickled_by_path_and_knows_its_model(model, second_model, tmp_path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    translate = pickle.loads(pickle.dumps(spark_translator(copy, beam_size=1)))  # noqa: S301 (made here)
    [done] = translate(iter([batch_of("pandas", TEXTS)]))
    assert done["error"].isna().tolist() == [error is None for error in ERRORS]
    shutil.rmtree(copy)
    shutil.copytree(second_model, copy)
    other = pickle.loads(pickle.dumps(spark_translator(copy)))  # noqa: S301
    shutil.rmtree(copy)
    shutil.copytree(model, copy)
    with pytest.raises(ModelError):
        list(other(iter([batch_of("pandas", ["ba"])])))


NOTHING = [None, float("nan"), numpy.float32("nan"), pandas.NA, pandas.NaT, decimal.Decimal("NaN")]


@pytest.mark.parametrize("value", NOTHING, ids=[type(value).__name__ for value in NOTHING])
def test_whatever_stands_for_nothing_is_null(value) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", ["", 0, False, [], numpy.array([1, 2]), numpy.array([]), {}, pandas.Series([1, 2])])
def test_what_is_something_is_not(value) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    "column",
    [
        pandas.Series(["ba", None], dtype="string"),
        pandas.Series(["ba", None], dtype=pandas.ArrowDtype(pyarrow.string())),
        pandas.Series(["ba", None], dtype=object),
        pandas.Series(["ba", numpy.array([1, 2])], dtype=object),
    ],
    ids=["string", "arrow", "object", "list"],
)
def test_columns_of_pandas_of_every_type(column, model) -> None:
    done = BulkTranslator(model)(pandas.DataFrame({"text": column}))
    assert done["error"].isna().tolist() == [True, False]


def test_identities_of_pandas_that_are_missing_are_told(model) -> None:
    keys = pandas.Series([1, None], dtype="Int64")
    done = BulkTranslator(model, Columns(id="key"))(pandas.DataFrame({"text": ["ba", "ce"], "key": keys}))
    assert done["error"].fillna("").tolist() == ["", "has no key"]


def test_a_translation_can_be_translated_on(model) -> None:
    once = BulkTranslator(model)(pandas.DataFrame({"text": ["ba", None]})).drop(columns="error")
    twice = BulkTranslator(model, Columns("translation", "again"))(once)
    assert twice["error"].isna().tolist() == [True, False]


def test_two_columns_of_one_name_are_told(model) -> None:
    table = pyarrow.Table.from_arrays([pyarrow.array(["ba"])] * 2, names=["text", "text"])
    with pytest.raises(DataError, match="two columns have one name, 'text'"):
        BulkTranslator(model)(table)


def example(heading: str) -> str:
    found = re.search(rf"^## {heading}\n.*?^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("engine", ["Ray Data", "Spark"])
def test_the_example_of_the_documentation_runs(engine, model, translator, tmp_path, user_environment) -> None:
    code = example(f"In a pipeline of {engine}")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    if engine == "Spark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed: apt-get install default-jre-headless")
    (tmp_path / "model").symlink_to(model)
    lines = [f"ba ce {word}" for word in ("di", "fo", "gu", "ha", "je", "ki", "lo", "mu")] * 5
    table = pyarrow.table({"key": range(len(lines)), "text": pyarrow.array([*lines[1:], None])})
    parquet.write_table(table, tmp_path / "reviews.parquet")
    (tmp_path / "spark-defaults.conf").write_text(SPARK_DEFAULTS)
    quiet = user_environment(
        RAY_USAGE_STATS_ENABLED="0",
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_PYTHON=sys.executable,
        SPARK_CONF_DIR=str(tmp_path),
        SPARK_SUBMIT_OPTS=QUICK_JAVA,
    )
    before = START if engine == "Ray Data" else ""
    ran = subprocess.run(
        [sys.executable, "-c", before + code], cwd=tmp_path, env=quiet, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    rows = sorted(parquet.read_table(tmp_path / "translated").to_pylist(), key=lambda row: row["key"])
    assert [(row["key"], row["text"]) for row in rows] == list(zip(*table.to_pydict().values(), strict=True))
    expected = [one.text for one in translator.translate(lines[1:])]
    assert [row["translation"] for row in rows] == [*expected, None]
    assert [row["error"] for row in rows] == [*[None] * len(expected), "is null"]
