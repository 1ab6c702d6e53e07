"""Claims about `scripts/benchmarks/opennmt.py`, as far as they need no OpenNMT-py."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "benchmarks" / "opennmt.py"), run_name="opennmt")
padded_batches, matching_batch_size = SCRIPT["padded_batches"], SCRIPT["matching_batch_size"]
read_log, steady_rate = SCRIPT["read_log"], SCRIPT["steady_rate"]

LENGTHS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=60)
LOG = """\
[2026-01-02 03:04:05,678 INFO] Start training loop without validation...
[2026-01-02 03:04:15,678 INFO] Step  5/   60; acc: 4.0; ppl: 4440.8; xent: 8.4; lr: 0.00100; sents:     291; \
bsz: 1940/2344/146; 836/1010 tok/s;      5 sec;
[2026-01-02 03:04:25,678 INFO] Step 10/   60; acc: 7.0; ppl: 1233.4; xent: 7.1; lr: 0.00100; sents:      21; \
bsz:  783/ 982/ 6; 97/ 99 tok/s;     12 sec;
[2026-01-02 03:04:25,679 INFO] Saving checkpoint model_step_60.pt
"""


def test_a_batch_is_counted_with_marks_and_padding() -> None:
    pairs = [(5, 3), (2, 2), (3, 4)]
    assert padded_batches(pairs, 18) == [[(2, 2), (3, 4), (5, 3)]]
    assert padded_batches(pairs, 17) == [[(2, 2), (3, 4)], [(5, 3)]]
    assert padded_batches(pairs, 11) == [[(2, 2)], [(3, 4)], [(5, 3)]]


@given(LENGTHS, st.integers(1, 300))
def test_batches_hold_every_pair_and_no_more_than_they_may(lengths: list[tuple[int, int]], batch_size: int) -> None:
    batches = padded_batches(lengths, batch_size)
    assert [pair for batch in batches for pair in batch] == sorted(lengths)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(max(source, target + 2) for source, target in batch) <= batch_size


def test_the_batch_size_gives_the_target_tokens_asked_for() -> None:
    lengths = [(number % 23 + 3, number % 19 + 4) for number in range(2000)]
    size = matching_batch_size(lengths, 150.0)
    means = [sum(target + 1 for _, target in lengths) / len(padded_batches(lengths, at)) for at in (size - 1, size)]
    assert means[0] < 150.0 <= means[1] < 155.0


def test_a_log_tells_target_tokens_and_their_rate() -> None:
    assert read_log(LOG, 5) == [(11720.0, 1010.0), (4910.0, 99.0)]


def test_the_steady_rate_is_of_all_tokens_but_the_first_third() -> None:
    records = [(100.0, 1.0), (100.0, 50.0), (300.0, 100.0)]  # the last two took 2 and 3 seconds
    assert steady_rate(records) == pytest.approx(80.0)
