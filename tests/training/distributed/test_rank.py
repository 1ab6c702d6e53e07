"""Which of several processes this one is, as the environment says."""

from __future__ import annotations

import pytest

from nmt.errors import ConfigError
from nmt.training.distributed.rank import ProcessRank

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}


def test_the_launcher_tells_the_place() -> None:
    assert ProcessRank.from_env(TORCHRUN) == ProcessRank(rank=3, world_size=4, local_rank=1)


def test_the_launcher_tells_whether_it_restarts() -> None:
    elastic = TORCHRUN | {"TORCHELASTIC_RUN_ID": "job", "TORCHELASTIC_MAX_RESTARTS": "3", "LOCAL_WORLD_SIZE": "2"}
    shared = {"TORCHELASTIC_RESTART_COUNT": "1", "TORCHELASTIC_USE_AGENT_STORE": "True"}
    assert ProcessRank.from_env(elastic | shared) == ProcessRank(3, 4, 1, True, "job", 2, True)
    assert not ProcessRank.from_env(elastic | shared | {"LOCAL_WORLD_SIZE": "4"}).shares_store
    assert ProcessRank.from_env(elastic | {"TORCHELASTIC_RESTART_COUNT": "3"}) == ProcessRank(3, 4, 1, True, "job")
    assert ProcessRank.from_env(TORCHRUN | {"TORCHELASTIC_MAX_RESTARTS": "x"}).restarts_left == 0


def test_the_name_that_torchrun_gives_by_default_is_none() -> None:
    unnamed = ProcessRank.from_env(TORCHRUN | {"TORCHELASTIC_RUN_ID": "none"})
    assert (unnamed.is_elastic, unnamed.job) == (True, "")


def test_without_a_launcher_there_is_one_process() -> None:
    without = {name: value for name, value in TORCHRUN.items() if name != "WORLD_SIZE"}
    assert ProcessRank.from_env({}) == ProcessRank.from_env(without) == ProcessRank(rank=0, world_size=1, local_rank=0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"RANK": "x"}, ["RANK"]),
        ({"RANK": "-1", "LOCAL_RANK": ""}, ["RANK", "LOCAL_RANK"]),
        ({"WORLD_SIZE": "٤"}, ["WORLD_SIZE"]),
        ({"WORLD_SIZE": "9" * 5000}, ["WORLD_SIZE"]),
        ({"RANK": "4"}, ["RANK"]),
        ({"MASTER_ADDR": None, "MASTER_PORT": None}, ["MASTER_ADDR", "MASTER_PORT"]),
    ],
)
def test_what_does_not_fit_together_is_named(changes: dict[str, str | None], named: list[str]) -> None:
    environment = {name: value for name, value in (TORCHRUN | changes).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        ProcessRank.from_env(environment)
    assert [problem.where for problem in caught.value.problems] == named
    assert len(str(caught.value)) < 300
