"""Which pairs make an update depends on seed and epoch alone: not on who prepares it, nor on who takes part in it.

Training in real processes, of which the numbers change on the way, is in `tests/cli/test_several_processes.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from nmt.config import Config, from_yaml
from nmt.corpus.batch_order import START, BatchOrder, Position
from nmt.corpus.build import build_corpus
from nmt.corpus.cleaning import CHUNK_PAIRS, PairFilter
from nmt.corpus.mixture import DrawnCorpus, Mixture
from nmt.corpus.parallel import CorpusFiles
from nmt.corpus.prefetch import prefetched
from nmt.corpus.store import Store
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.batches import Update, iterate_updates
from nmt.training.distributed.rank import ProcessRank
from nmt.training.preparation import read_trained_tokenizers
from proofs import Proof

PAIRS = CHUNK_PAIRS + 1000  # so that two workers get something to encode
SIZES, WORKERS = (1, 2, 4), (0, 2)
Taken = list[int]  # the pairs of an update, sorted


class Trainings:
    """The data of trainings of one corpus, by any number of processes, each with any number of workers.

    Workers encode the corpus beside the process that reads it, and prepare batches ahead of the step that needs them;
    without them, the process itself does.
    """

    def __init__(self, config: Config, tokenizers: Tokenizers, stores: dict[int, Store]) -> None:
        self._config = config
        self._tokenizers = tokenizers
        self._stores = stores

    def order(
        self, seed: int, batch_tokens: int, window: int, workers: int = 0, mixture: Mixture | None = None
    ) -> BatchOrder:
        return BatchOrder(self._stores[workers], batch_tokens, seed, window, mixture)

    def epoch(
        self, order: BatchOrder, position: Position, size: int, workers: int, accumulation: int
    ) -> Iterator[tuple[Taken, Position]]:
        """The rest of an epoch: of each update the pairs that all processes take together, and where it leads to."""
        training = self._config.training.model_copy(update={"accumulation": accumulation})
        config, store = self._config.model_copy(update={"training": training}), self._stores[workers]
        with ExitStack() as stack:

            def stream(rank: int) -> Iterator[Update]:
                updates = iterate_updates(position, order, store, config, self._tokenizers, ProcessRank(rank, size))
                return stack.enter_context(closing(prefetched(updates, workers))) if workers else updates

            for updates in zip(*map(stream, range(size)), strict=True):
                (following,) = {update.following for update in updates}
                parts = [part.indices for update in updates for part in update.parts]
                yield np.sort(np.concatenate(parts)).tolist(), following
                if following.epoch > position.epoch:
                    return


@pytest.fixture(scope="module")
def trainings(
    model: Path, make_sentences: Callable[[int, int], list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Trainings:
    folder = tmp_path_factory.mktemp("large")
    for side, lines in (("xx", make_sentences(PAIRS, 3)), ("yy", make_sentences(PAIRS, 4))):
        (folder / side).write_text("".join(f"{line}\n" for line in lines))
    tokenizers = read_trained_tokenizers(model)

    def store(workers: int) -> Store:
        return build_corpus(
            folder / f"corpus-{workers}",
            CorpusFiles((str(folder / "xx"),), (str(folder / "yy"),)),
            tokenizers,
            PairFilter(max_length=100),
            processes=max(1, workers),
            progress=lambda _: None,
            warn=lambda _: None,
        )

    config = from_yaml((model / "config.yaml").read_text(), "config.yaml")
    return Trainings(config, tokenizers, {workers: store(workers) for workers in WORKERS})


def random_order(proof: Proof) -> dict[str, int]:
    chance = proof.generator
    return {
        "seed": chance.randrange(1 << 31),
        "batch_tokens": chance.randint(200, 4000),
        "window": chance.choice([300, 1000, 65_536]),
    }


@pytest.mark.promise(4, gate=2, full=40)
def test_promise_04_processes_and_workers_change_nothing_of_the_order(proof: Proof, trainings: Trainings) -> None:
    for number in range(proof.count):
        chosen, epoch = random_order(proof), proof.generator.randrange(3)
        expected = [
            (np.sort(indices).tolist(), following)
            for following, indices in whole_epoch(trainings.order(**chosen), epoch)
        ]
        assert sorted(index for taken, _ in expected for index in taken) == list(range(PAIRS))
        for size, workers in product(SIZES, WORKERS):
            with proof.case(f"{number}: {size} processes, {workers} workers, epoch {epoch}, {chosen}"):
                accumulation = proof.generator.randint(1, 3)
                order = trainings.order(**chosen, workers=workers)
                assert [*trainings.epoch(order, Position(epoch), size, workers, accumulation)] == expected


@pytest.mark.promise(4, gate=2, full=40)
def test_promise_04_a_mixture_is_drawn_by_seed_and_epoch_alone(proof: Proof, trainings: Trainings) -> None:
    """By processes and workers that nobody counts, and resumed in the middle; each pair by the weight of its corpus."""
    chance = proof.generator
    for number in range(proof.count):
        chosen, cut = random_order(proof), chance.randint(1, PAIRS - 1)
        weights = [chance.choice(["0.3", "0.5", "1", "1.5", "2"]) for _ in range(2)]
        spans = [(0, cut, weights[0], 7), (cut, PAIRS, weights[1], None)]
        mixture = Mixture([DrawnCorpus(*span[:2], Fraction(span[2]), span[3]) for span in spans])
        orders = {workers: trainings.order(**chosen, workers=workers, mixture=mixture) for workers in WORKERS}
        expected = {
            epoch: [(np.sort(taken).tolist(), after) for after, taken in whole_epoch(orders[0], epoch)]
            for epoch in (0, 1)
        }
        counts = Counter(index for updates in expected.values() for taken, _ in updates for index in taken)
        for start, stop, weight, _ in spans:
            often = [counts[index] for index in range(start, stop)]
            assert max(often) - min(often) <= 1 and sum(often) == -(-2 * len(often) * Fraction(weight) // 1)
        for size, workers in product(SIZES, WORKERS):
            with proof.case(f"{number}: {size} processes, {workers} workers, {weights}, cut at {cut}, {chosen}"):
                order, accumulation, begun = orders[workers], chance.randint(1, 3), len(expected[1]) // 2
                assert [*trainings.epoch(order, START, size, workers, accumulation)] == expected[0]
                position = expected[1][begun][1]
                if position.epoch == 1:
                    assert [*trainings.epoch(order, position, size, workers, accumulation)] == expected[1][begun + 1 :]


def whole_epoch(order: BatchOrder, epoch: int) -> Iterator[tuple[Position, np.ndarray]]:
    for following, indices in order.batches(Position(epoch)):
        yield following, indices
        if following.epoch > epoch:
            return


@pytest.mark.promise(4, gate=4, full=100)
def test_promise_04_resumed_by_others_every_pair_comes_once_an_epoch(proof: Proof, trainings: Trainings) -> None:
    chance = proof.generator
    for number in range(proof.count):
        chosen, position, seen = random_order(proof), START, Taken()
        updates = len([*whole_epoch(trainings.order(**chosen), 0)])
        with proof.case(f"{number}: {chosen}"):
            for left in (3, 2, 1, 0):  # so many further times it is stopped, and goes on with others
                size, workers = chance.choice(SIZES), chance.choice(WORKERS)
                stop = chance.randint(1, max(1, updates // 3)) if left else updates
                order = trainings.order(**chosen, workers=workers)
                for taken, following in trainings.epoch(order, position, size, workers, chance.randint(1, 3)):
                    seen += taken
                    stop, position = stop - 1, following
                    if not stop or position.epoch:
                        break
                if position.epoch:
                    break
            assert position == Position(1) and sorted(seen) == list(range(PAIRS))
