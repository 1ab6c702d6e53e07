"""The limits of the service, all on by default, and the answer to a request that passes one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The limits of what one request, and all of them together, may ask for.

    Attributes:
        characters: of all texts of a request.
        sentences: of all texts of a request.
        texts: of a request.
        body: bytes of a request's body.
        beam: the widest beam, and so the most translations of a sentence.
        attend: characters of a sentence whose decoding is shown.
        queue: sentences that wait for one model.
        seconds: of a request, from its last byte to the last of the answer.
        read_seconds: in which a request must have come, its head and its body each; and of silence between requests.
        connections: open at once.
        header: bytes of a request's head.
    """

    characters: int = 20_000
    sentences: int = 1_000
    texts: int = 128
    body: int = 1 << 20
    beam: int = 10
    attend: int = 1_000
    queue: int = 4_096
    seconds: float = 60.0
    read_seconds: float = 10.0
    connections: int = 256
    header: int = 1 << 16


class RefusedError(Exception):
    """An answer other than the one asked for: its status, its text, and after how many seconds to ask again."""

    def __init__(
        self, status: int, what: str, *, retry_after: int | None = None, close: bool = False, allow: str = ""
    ) -> None:
        super().__init__(what)
        self.status = status
        self.what = what
        self.retry_after = retry_after
        self.close = close  # the connection, of which the rest is not read
        self.allow = allow  # the methods that a path may be asked by


class NoModelError(RefusedError):
    """The answer to a request for a model that is not served."""

    def __init__(self, what: str) -> None:
        super().__init__(400, what)


def check_texts(texts: list[str], limits: Limits) -> None:
    """Refuses texts that are too many or too long."""
    if len(texts) > limits.texts:
        raise RefusedError(413, f"{len(texts)} texts: expected at most {limits.texts}")
    if (characters := sum(map(len, texts))) > limits.characters:
        raise RefusedError(413, f"{characters} characters: expected at most {limits.characters}")


def check_sentences(count: int, limits: Limits) -> None:
    """Refuses too many sentences."""
    if count > limits.sentences:
        raise RefusedError(413, f"{count} sentences: expected at most {limits.sentences}")
