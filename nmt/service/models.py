"""The models that are served: their names, their languages, their workers, and better checkpoints in their place."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmt.checkpoint.ensembles import join_models
from nmt.errors import ConfigError, NmtError
from nmt.service.batcher import Batcher
from nmt.service.computing import ComputingThread
from nmt.service.limits import NoModelError
from nmt.service.tasks import PlainTranslation
from nmt.translation.translator import Translator

logger = logging.getLogger(__name__)

_FIRST = "1 a"  # a text with a letter, so that the model is asked


@dataclass(eq=False)
class ServedModel:
    """A model and the worker that owns it.

    Attributes:
        name: by which requests ask for it, and answers and pages name it.
        path: where it was loaded from, and is loaded again.
        others: where the models that translate together with it were loaded from.
        source: code of the language it translates from.
        target: code of the language it translates to.
        batcher: its queue and worker, which has the translator.
        is_ready: True once it has translated.
    """

    name: str
    path: Path
    others: tuple[Path, ...]
    source: str
    target: str
    batcher: Batcher
    is_ready: bool = False

    @property
    def translator(self) -> Translator:
        """The translator of the moment."""
        return self.batcher.translator

    async def get_ready(self) -> None:
        """Translates for the first time; raises what translation does."""
        await self.batcher.submit(PlainTranslation(), [_FIRST]).all()
        self.is_ready = True


class Loader:
    """Loads models from their paths, always in the same way."""

    def __init__(self, device: str, precision: str, average: str = "probabilities") -> None:
        self._how: dict[str, Any] = {"device": device, "precision": precision, "ensemble_average": average}

    def load(self, path: Path, others: Iterable[Path]) -> Translator:
        """Loads a translator, with the models that translate together with it; raises what `Translator.load` does."""
        return Translator.load(path, ensemble=others, **self._how, warn=logger.warning)


class Models:
    """All models, in the order in which they were named."""

    def __init__(self, models: Iterable[ServedModel], loader: Loader, computing: ComputingThread) -> None:
        self._models = list(models)
        self._loader = loader
        self._computing = computing

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models)

    @property
    def are_ready(self) -> bool:
        """True once each has translated."""
        return all(model.is_ready for model in self._models)

    @property
    def sources(self) -> list[str]:
        """The languages that are translated from, in their order."""
        return list(dict.fromkeys(model.source for model in self._models))

    @property
    def languages(self) -> list[str]:
        """The languages that are translated from, then those that are only translated to."""
        return list(dict.fromkeys([*self.sources, *(model.target for model in self._models)]))

    def named(self, name: str) -> ServedModel:
        """Returns the model of a name; refuses one that there is not."""
        for model in self._models:
            if model.name == name:
                return model
        raise NoModelError(f"{name[:80]} is no model here: expected {_either(one.name for one in self._models)}")

    def of_pair(self, source: str, target: str) -> ServedModel:
        """Returns the first model of a pair of languages; refuses one that no model has."""
        pair = source.lower(), target.lower()
        for model in self._models:
            if (model.source.lower(), model.target.lower()) == pair:
                return model
        pairs = dict.fromkeys(f"{model.source} to {model.target}" for model in self._models)
        what = f"{source[:40]} to {target[:40]} is not translated here: expected {_either(pairs)}"
        raise NoModelError(what)

    def close(self) -> None:
        """Lets all threads end when their batches are done."""
        for model in self._models:
            model.batcher.close()
        self._computing.close()

    def take_up(self) -> None:
        """Loads each model again, and exchanges those that have changed; what cannot be loaded stays as it is.

        To be called in a thread that ends with it, so that OpenMP does not keep threads for it.
        """
        for model in self._models:
            try:
                translator = self._loader.load(model.path, model.others)
            except NmtError as error:
                logger.warning("%s: %s; the model loaded before is kept", model.name, error)
                continue
            languages = translator.config.data.source_language, translator.config.data.target_language
            if languages != (model.source, model.target):
                logger.warning("%s: has other languages now; the model loaded before is kept", model.name)
            elif translator.identity == model.translator.identity:
                logger.info("%s: unchanged", model.name)
            else:
                model.batcher.exchange(translator)
                logger.info("%s: a new checkpoint is served", model.name)


def load_models(paths: Sequence[Path], loader: Loader, queue: int, *, ensemble: Sequence[Path] = ()) -> Models:
    """Loads all models, and with each those of `ensemble` that can join it.

    Raises what `Translator.load` does, and ConfigError if one path is given twice, or one of `ensemble` fits no model,
    or several.
    """
    computing = ComputingThread()
    names: list[str] = []
    models: list[ServedModel] = []
    joining = join_models(paths, ensemble, logger.warning) if ensemble else {}
    for path in paths:
        if path.absolute() in {model.path for model in models}:
            raise ConfigError("MODEL", f"{path} is given twice")
        others = tuple(joining.get(path, ()))
        translator = computing.run(loader.load, path, others)
        batcher = Batcher(translator, queue, computing)
        names.append(_name(path.absolute().name or "model", names))
        data = translator.config.data
        languages = data.source_language, data.target_language
        absolute = tuple(other.absolute() for other in others)
        models.append(ServedModel(names[-1], path.absolute(), absolute, *languages, batcher))
    return Models(models, loader, computing)


def _name(wanted: str, taken: list[str]) -> str:
    """Returns a name that nobody has: the one that is wanted, or that with a number."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _either(words: Iterable[str]) -> str:
    return " or ".join(words)
