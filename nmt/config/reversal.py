"""The configuration of the other direction of translation."""

from __future__ import annotations

from nmt.config.configuration import Config
from nmt.config.loading import from_yaml
from nmt.config.sections import ParallelFiles
from nmt.errors import ConfigError


def reversed_config(config: Config) -> Config:
    """Swaps the languages, their files and their SentencePiece models; the name gets `-reverse` behind it.

    All else belongs to the sides by their parts: `normalization` is of what is read, whatever language that is.

    Raises:
        ConfigError: the name is too long for that, or alignments are given, which are those of one direction.
    """
    if config.training.alignments:
        what = "are of the other direction; --set training.alignments=null learns them from the corpus"
        raise ConfigError("training.alignments", what)
    data, tokenizer = config.data, config.tokenizer
    swapped_data = data.model_copy(
        update={
            "source_language": data.target_language,
            "target_language": data.source_language,
            "train": _swapped(data.train),
            "validation": _swapped(data.validation),
            "test": None if data.test is None else _swapped(data.test),
        }
    )
    update: dict[str, object] = {"name": f"{config.name}-reverse", "data": swapped_data}
    if not tokenizer.shared:
        models = {"source_model": tokenizer.target_model, "target_model": tokenizer.source_model}
        update["tokenizer"] = tokenizer.model_copy(update=models)
    return from_yaml(config.model_copy(update=update).as_yaml(), "--reverse")


def _swapped(files: ParallelFiles) -> ParallelFiles:
    return ParallelFiles(source=files.target, target=files.source)
