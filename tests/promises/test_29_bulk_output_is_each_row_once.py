"""Promise 29: bulk output is each row once."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from bulk_jobs import actors_below, joined, kill, litter, named_in, processes_below, shards_in, wait_until
from bulk_work import run_steps
from forked import ForkedPopen
from nmt.bulk.pool import Pool, Translate
from program import Call, command, environment, sentences, write_text
from proofs import Proof
from small_disk import ROOMY, SmallDisk

pytest.importorskip("ray", reason="Ray is not installed")

ROWS, OF_SHARD = 1_200, 25
FILES = {"rows.jsonl": range(2 * ROWS // 3), "sub/more.jsonl": range(2 * ROWS // 3, ROWS)}
NULLS = range(10, ROWS, 100)
OPTIONS = ["--workers", "2", "--shard-rows", OF_SHARD, "--device", "cpu"]

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return sentences(ROWS, 29)


@pytest.fixture(scope="module")
def tables(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file and a folder; some texts are null."""
    folder = tmp_path_factory.mktemp("tables")
    for name, numbers in FILES.items():
        lines = [json.dumps({"n": n, "text": None if n in NULLS else texts[n]}) for n in numbers]
        (folder / name).parent.mkdir(exist_ok=True)
        write_text(folder / name, lines)
    return folder


@pytest.fixture(scope="module")
def rows(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.txt"
    write_text(path, texts)
    return path


@pytest.fixture(scope="module")
def expected(texts: list[str], learned: Path, call: Call) -> Rows:
    done = call("translate", learned, stdin="".join(f"{text}\n" for text in texts).encode())
    assert done.code == 0
    translations = done.out.decode().split("\n")
    null = {"text": None, "translation": None, "error": "is null"}
    return {
        name: [
            {"n": n, **(null if n in NULLS else {"text": texts[n], "translation": translations[n]})} for n in numbers
        ]
        for name, numbers in FILES.items()
    }


def assert_each_row_once(folder: Path, expected: Rows) -> None:
    for name, rows in expected.items():
        shards = [shard for shard in shards_in(folder) if shard.startswith(f"{name}-")]
        assert len(shards) == -(-len(rows) // OF_SHARD)
        assert [json.loads(line) for shard in shards for line in (folder / shard).read_text().splitlines()] == rows
        told = sorted((folder / "_errors").rglob(f"{Path(name).name}-*.jsonl"))
        lines = [json.loads(line) for path in told for line in path.read_text().splitlines()]
        nulls = [number for number, row in enumerate(rows, 1) if row["text"] is None]
        assert lines == [{"file": name, "row": number, "error": "is null"} for number in nulls]
    assert list(litter(folder)) == []


@contextmanager
def in_this_process(_pool: Pool) -> Iterator[Translate]:
    yield run_steps


@pytest.fixture
def started() -> Iterator[Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]]:
    """Takes note of jobs, of which nothing is left at the end of a test."""
    jobs: list[subprocess.Popen[bytes]] = []

    def note(job: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        jobs.append(job)
        return job

    yield note
    for job in jobs:
        others = list(processes_below(job.pid))
        for process in (job.pid, *others):
            kill(process)
        job.wait(60)
        for stream in filter(None, (job.stdin, job.stdout, job.stderr)):
            stream.close()


Started = Callable[[subprocess.Popen[bytes]], subprocess.Popen[bytes]]


@pytest.mark.promise(29, gate=3, full=60)
def test_promise_29_a_full_disk_an_actor_and_the_driver_killed(
    proof: Proof,
    disk: SmallDisk,
    tables: Path,
    learned: Path,
    call: Call,
    expected: Rows,
    started: Started,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    arguments = ["bulk", learned, tables, *OPTIONS, "--output"]
    for number in range(proof.count // 3):
        disk.clear()
        output = disk.seen / f"out{number}"

        def begin(errors: int, name: str = output.name) -> subprocess.Popen[bytes]:
            line = command(*arguments, name)  # a path from the folder in which it is given
            streams = {"stdout": subprocess.DEVNULL, "stderr": errors}
            return started(ForkedPopen(disk.forked, line, env=environment(), cwd=disk.path, **streams))

        def some_more(job: subprocess.Popen[bytes], output: Path = output) -> None:
            enough = len(shards_in(output)) + proof.generator.randrange(1, 7)
            wait_until(lambda: len(shards_in(output)) > enough, job.poll)

        job = begin(subprocess.PIPE)
        with proof.case(f"{number}: an actor killed"):
            some_more(job)
            kill(proof.generator.choice(actors_below(job.pid)))
            some_more(job)
        with proof.case(f"{number}: a full disk"):
            disk.leave(proof.generator.randrange(1, 5) * 4096)
            _, errors = job.communicate(timeout=240)
            assert job.returncode == 5, errors
            assert errors.endswith(b"cannot be written: No space left on device\n"), errors
            assert list(litter(output)) == []
            disk.leave(ROOMY)
        with proof.case(f"{number}: the driver killed"):
            job = begin(subprocess.DEVNULL)
            some_more(job)
            job.kill()
            job.wait(60)
            (output / "sub").mkdir(exist_ok=True)
            (output / "sub" / ".nmt-temporary-1-left").write_bytes(b"as a worker that is killed leaves it")
            if pytestconfig.option.full:
                line = command(*arguments, output)
                whole = subprocess.run(line, env=environment(), capture_output=True, check=False)
                code, said = whole.returncode, whole.stderr.decode()
            else:  # a third cluster takes half as long as all before
                monkeypatch.setattr(Pool, "connected", in_this_process)
                done = call(*arguments, output)
                code, said = done.code, done.err
            assert code == 65, said
            assert_each_row_once(output, expected)


@pytest.mark.slow
@pytest.mark.promise(29, gate=1, full=20)
def test_promise_29_actors_killed_again_and_again(
    proof: Proof, rows: Path, learned: Path, call: Call, tmp_path: Path, started: Started
) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(rows.read_bytes() * (2 + 2 * proof.count))
    output = tmp_path / "out"
    line = command("bulk", learned, many.name, "--output", output.name, "--format", "parquet", *OPTIONS)
    job = started(subprocess.Popen(line, cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL))
    for number in range(proof.count):
        with proof.case(number):
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(30), job.poll)  # noqa: B023
            kill(proof.generator.choice(actors_below(job.pid)))
    assert job.wait(600) == 0
    read = pyarrow.concat_tables([parquet.read_table(output / shard) for shard in shards_in(output)])
    assert "".join(f"{text}\n" for text in read["text"].to_pylist()).encode() == many.read_bytes()
    translations = "".join(f"{text}\n" for text in read["translation"].to_pylist())
    assert translations.encode() == call("translate", learned, "--input", many).out
    assert list(litter(output)) == []


NODES = """
import sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(nodes.pop(0), allow_graceful=False)
    nodes.append(cluster.add_node(num_cpus=1))
    print("removed", flush=True)
"""


@pytest.mark.slow
@pytest.mark.promise(29, gate=1, full=20)
def test_promise_29_nodes_of_a_cluster_removed(
    proof: Proof, rows: Path, learned: Path, call: Call, tmp_path: Path, started: Started
) -> None:
    many = tmp_path / "many.txt"
    many.write_bytes(rows.read_bytes() * (2 + 5 * proof.count))
    cluster = started(
        subprocess.Popen(
            [sys.executable, "-c", NODES], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    )
    assert cluster.stdin is not None and cluster.stdout is not None
    address = cluster.stdout.readline().decode().strip()
    output = tmp_path / "out"
    arguments = ["bulk", learned, many, "--output", output, *OPTIONS, "--workers", "3", "--address", address]
    job = started(subprocess.Popen(command(*arguments), env=environment(), stderr=subprocess.DEVNULL))
    for number in range(proof.count):
        with proof.case(number):
            before = len(shards_in(output))
            wait_until(lambda: len(shards_in(output)) > before + proof.generator.randrange(30), job.poll)  # noqa: B023
            cluster.stdin.write(b"\n")
            cluster.stdin.flush()
            assert cluster.stdout.readline() == b"removed\n"
    assert job.wait(1_800) == 0
    assert joined(output) == call("translate", learned, "--input", many).out
    cluster.stdin.close()


SPARK = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from nmt.bulk import spark_translator

settings = {
    "spark.master": sys.argv[1],
    "spark.executor.memory": "1g",
    "spark.speculation": "true",
    "spark.speculation.interval": "50ms",
    "spark.speculation.quantile": "0.1",
    "spark.speculation.multiplier": "0.1",  # of the median time, and the last tasks are run twice
    "spark.speculation.minTaskRuntime": "0ms",
    "spark.speculation.efficiency.enabled": "false",  # or only tasks that are slow are run twice
    "spark.task.maxFailures": "1000",
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": Path("events").absolute().as_uri(),
    "spark.eventLog.compress": "false",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
spark = SparkSession.builder.config(map=settings).getOrCreate()
model, rows, parts, output = sys.argv[2:]
frame = spark.read.parquet(rows).repartition(int(parts))
translate = spark_translator(model)
frame.mapInPandas(translate, translate.schema(frame.schema)).write.parquet(output)
spark.stop()
"""
SPARK_HOSTS = "127.0.0.2", "127.0.0.3"
SPARK_PYTHON, SPARK_EXECUTOR = b"pyspark.daemon", b"CoarseGrainedExecutorBackend"


def spark_cluster(folder: Path, started: Started) -> str:
    """Starts a master of Spark and two workers with addresses of their own, since no task runs twice on one.

    Each works in a folder of its address. Returns the address of the master.
    """
    import pyspark

    home = Path(pyspark.__file__).parent
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"spark://127.0.0.1:{port}"
    java = {"SPARK_HOME": str(home), "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}

    def daemon(name: str, host: str, *arguments: object) -> subprocess.Popen[bytes]:
        line = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "--host", host, "--webui-port", "0"]
        with (folder / f"{host}.log").open("wb") as told:
            return started(
                subprocess.Popen([*line, *map(str, arguments)], env=environment(**java), stdout=told, stderr=told)
            )

    def listens() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    master = daemon("master.Master", "127.0.0.1", "--port", port)
    wait_until(listens, master.poll)
    for host in SPARK_HOSTS:
        daemon("worker.Worker", host, "--cores", 1, "--memory", "1g", "--work-dir", folder / host, address)
    return address


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, which is not installed")
@pytest.mark.promise(29, gate=2, full=20)
def test_promise_29_tasks_of_spark_killed_while_others_run_twice(
    proof: Proof, texts: list[str], learned: Path, call: Call, tmp_path: Path, started: Started
) -> None:
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    count = 10_000 * proof.count
    lines = [texts[number % ROWS] for number in range(count)]
    table = pyarrow.table({"key": range(count), "text": lines})
    parquet.write_table(table, tmp_path / "rows.parquet")
    (tmp_path / "events").mkdir()
    address = spark_cluster(tmp_path, started)
    names = [learned, "rows.parquet", str(10 * proof.count), "out"]
    with (tmp_path / "told").open("wb") as told:
        job = started(
            subprocess.Popen(
                [sys.executable, "-c", SPARK, address, *names],
                cwd=tmp_path,
                env=environment(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable),
                stdout=told,
                stderr=told,
            )
        )

    def running(what: bytes) -> list[int]:
        # What a killed process has forked works on, and is nobody's child.
        return [process for host in SPARK_HOSTS for process in named_in(tmp_path / host, what)]

    for number in range(proof.count):
        what = SPARK_EXECUTOR if number % 10 == 9 else SPARK_PYTHON
        with proof.case(f"{number}: {what.decode()}"):
            end = time.monotonic() + proof.generator.uniform(0.2, 2)
            wait_until(lambda: time.monotonic() > end and running(what), job.poll)  # noqa: B023
            kill(proof.generator.choice(running(what)))
    assert job.wait(1_200) == 0, (tmp_path / "told").read_text()[-3_000:]
    rows = parquet.read_table(tmp_path / "out").sort_by("key").to_pylist()
    found = [(row["key"], row["text"], row["error"]) for row in rows]
    assert found == [(number, line, None) for number, line in enumerate(lines)]
    done = call("translate", learned, stdin="".join(f"{text}\n" for text in texts).encode())
    expected = done.out.decode().split("\n")
    assert all(row["translation"] == expected[row["key"] % ROWS] for row in rows)
    events = "".join(path.read_text() for path in (tmp_path / "events").rglob("events_*"))
    assert '"Speculative":true' in events and '"Failed":true' in events
