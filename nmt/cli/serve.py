"""`nmt serve`."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nmt.cli import arguments
from nmt.cli.logs import logger
from nmt.cli.parsing import expand_groups
from nmt.cli.startup import end_loading, start
from nmt.errors import ConfigError
from nmt.libraries import how_to_install

if TYPE_CHECKING:
    from nmt.service.application import Admission
    from nmt.service.limits import Limits

_NEEDED = ("starlette", "uvicorn", "python_multipart", "sentencex")


@dataclass(frozen=True)
class ListeningArguments:
    """Where the service listens, and who may ask it."""

    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all of this machine.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for any that is free.")] = 5000
    api_key_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Keys, one a line, of which each request needs one.")
    ] = None
    allow_anyone: Annotated[bool, typer.Option("--allow-anyone", help="Let other machines ask without a key.")] = False
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A name of this server besides localhost; repeatable.")
    ] = None
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Another server whose pages may ask, https://name; repeatable."),
    ] = None
    grace: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds to finish requests in, once asked to stop.")
    ] = 30.0

    def admission(self) -> Admission:
        """Returns who may ask.

        Raises:
            ConfigError: everybody could, of other machines, and nobody said so; or a name or an origin is none.
            InputFileError: the file of keys cannot be read.
        """
        from nmt.service.application import Admission
        from nmt.service.hosts import Hosts, host_of, is_loopback, origin_of
        from nmt.service.keys import Keys, read_keys

        keys = Keys() if self.api_key_file is None else read_keys(Path(self.api_key_file))
        if not (keys or self.allow_anyone or is_loopback(self.host)):
            what = f"is {self.host}, where other machines can ask: expected --api-key-file, or --allow-anyone"
            raise ConfigError("--host", what)
        names = list(self.allow_host or ())
        for name in names:
            if host_of(name) != name.lower().rstrip("."):
                raise ConfigError("--allow-host", f"is the name of a server, without port, not {name!r:.80}")
        origins = {origin: origin_of(origin) for origin in self.allow_origin or ()}
        for origin, known in origins.items():
            if known is None:
                raise ConfigError("--allow-origin", f"is http:// or https:// and a name, not {origin!r:.80}")
        return Admission(keys, Hosts([*names, self.host]), frozenset(filter(None, origins.values())))


@dataclass(frozen=True)
class LimitArguments:
    """Limits of requests; the defaults are those of `nmt.service.limits`."""

    max_characters: Annotated[int, typer.Option(min=1, help="Of all texts of a request.")] = 20_000
    max_sentences: Annotated[int, typer.Option(min=1, help="Of all texts of a request.")] = 1_000
    max_texts: Annotated[int, typer.Option(min=1, help="Of a request.")] = 128
    max_body: Annotated[int, typer.Option(min=1024, help="Bytes of a request.")] = 1 << 20
    max_beam: Annotated[int, typer.Option(min=1, max=1000, help="Widest beam, unless the model's own is wider.")] = 10
    max_queue: Annotated[int, typer.Option(min=1, help="Sentences that wait for one model.")] = 4_096
    max_seconds: Annotated[float, typer.Option(min=0.1, max=86_400, help="Of a request's translation.")] = 60.0
    max_read_seconds: Annotated[float, typer.Option(min=0.1, max=86_400, help="In which a request must have come.")] = (
        10.0
    )
    max_connections: Annotated[int, typer.Option(min=1, help="Open at once.")] = 256

    def limits(self) -> Limits:
        """Returns the limits; raises ConfigError where the queue could never hold what a request may have."""
        from nmt.service.limits import Limits

        if self.max_queue < self.max_sentences:
            what = f"is {self.max_queue}: expected at least --max-sentences, {self.max_sentences}"
            raise ConfigError("--max-queue", what)
        return Limits(
            characters=self.max_characters,
            sentences=self.max_sentences,
            texts=self.max_texts,
            body=self.max_body,
            beam=self.max_beam,
            queue=self.max_queue,
            seconds=self.max_seconds,
            read_seconds=self.max_read_seconds,
            connections=self.max_connections,
        )


@expand_groups
def serve(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL…", readable=False, help="Run directories, checkpoints or exported models."),
    ],
    *,
    listening: ListeningArguments,
    limits: LimitArguments,
    ensemble: arguments.EnsembleArguments,
    compute: arguments.ComputeArguments,
    log: arguments.LoggingArguments,
) -> None:
    """Serve models over HTTP: LibreTranslate's interface, one with attention, and a page."""
    ensemble.check()
    start(log, compute)
    if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
        raise ConfigError("serve", f"needs {', '.join(missing)}: {how_to_install('serve')}")
    admission, allowed = listening.admission(), limits.limits()

    from nmt.service.models import Loader, load_models
    from nmt.service.server import ModelServer, bind

    with bind(listening.host, listening.port) as opened:  # before models are loaded, which takes its time
        loader = Loader(compute.device, compute.precision, ensemble.average)
        loaded = load_models(models, loader, allowed.queue, ensemble=ensemble.ensemble or ())
        end_loading()
        service = ModelServer(loaded, allowed, admission, grace=listening.grace, tells=log.verbose)
        address = _address(listening.host, opened.getsockname()[1])
        names = ", ".join(f"{model.name} ({model.source} to {model.target})" for model in loaded)
        stopped = service.run(opened, lambda: logger.info("serving %s at %s", names, address))
    if stopped.unanswered:
        logger.warning("stopped; requests that were not answered within the grace: %d", stopped.unanswered)
        sys.exit(128 + stopped.signal)
    logger.info("stopped; requests answered, all that were taken: %d", stopped.answered)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
