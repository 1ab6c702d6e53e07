"""What the service counts, as the text that Prometheus reads. No text of a user is in it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

from nmt.service.batcher import Batcher
from nmt.service.models import Models

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histogram of seconds; another has no bound."""


class Metrics:
    """The numbers of requests, by path and status, and how long they took."""

    def __init__(self) -> None:
        self.finished = 0  # requests that were read whole, and answered
        self.in_progress = 0
        self.cancelled = 0
        self._answers: Counter[tuple[str, int]] = Counter()
        self._buckets = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        self._answers[path, status] += 1
        self._buckets[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def text(self, models: Models, connections: int) -> str:
        """Returns all numbers in Prometheus' text format."""
        return "\n".join([*self._lines(models, connections), ""])

    def _lines(self, models: Models, connections: int) -> Iterator[str]:
        yield from _head("nmt_requests_total", "counter", "Answers by path and status.")
        for (path, status), count in sorted(self._answers.items()):
            yield f'nmt_requests_total{{path="{path}",status="{status}"}} {count}'
        yield from _head("nmt_request_seconds", "histogram", "Time from a request's head to the end of its answer.")
        total = 0
        for bound, count in zip([*map(str, BUCKETS), "+Inf"], self._buckets, strict=True):
            total += count
            yield f'nmt_request_seconds_bucket{{le="{bound}"}} {total}'
        yield f"nmt_request_seconds_sum {self._seconds:.6f}"
        yield f"nmt_request_seconds_count {total}"
        yield from _single("nmt_requests_in_progress", "gauge", "Requests taken and not answered.", self.in_progress)
        yield from _single("nmt_requests_cancelled_total", "counter", "Requests whose client left.", self.cancelled)
        yield from _single("nmt_connections", "gauge", "Open connections.", connections)
        of_models: dict[str, tuple[str, str, Callable[[Batcher], float]]] = {
            "nmt_queued_sentences": ("gauge", "Sentences that wait.", lambda one: one.queued),
            "nmt_sentences_total": ("counter", "Sentences computed.", lambda one: one.sentences),
            "nmt_batches_total": ("counter", "Batches computed.", lambda one: one.batches),
            "nmt_computing_seconds_total": ("counter", "Time spent on batches.", lambda one: round(one.seconds, 6)),
        }
        for name, (kind, what, value) in of_models.items():
            yield from _head(name, kind, what)
            for model in models:
                yield f'{name}{{model="{_escaped(model.name)}"}} {value(model.batcher)}'


def _head(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"


def _single(name: str, kind: str, what: str, value: float) -> Iterator[str]:
    yield from _head(name, kind, what)
    yield f"{name} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
