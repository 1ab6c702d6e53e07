"""The configuration of the other direction of translation."""

from __future__ import annotations

from nmt.config.configuration import Config
from nmt.config.loading import from_yaml
from nmt.errors import ConfigError


def reversed_config(config: Config) -> Config:
    """Swaps the languages, their files and their SentencePiece models; the name gets `-reverse` behind it.

    All else belongs to the sides by their parts: `normalization` is of what is read, whatever language that is. Tags
    stay as they are: they stand before the new sources.

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
            "train": tuple(files.swapped() for files in data.train),
            "validation": tuple(files.swapped() for files in data.validation),
            "test": None if data.test is None else data.test.swapped(),
        }
    )
    update: dict[str, object] = {"name": f"{config.name}-reverse", "data": swapped_data}
    if not tokenizer.shared:
        models = {"source_model": tokenizer.target_model, "target_model": tokenizer.source_model}
        update["tokenizer"] = tokenizer.model_copy(update=models)
    return from_yaml(config.model_copy(update=update).as_yaml(), "--reverse")
