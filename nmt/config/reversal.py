"""The configuration of the other direction of translation."""

from __future__ import annotations

from nmt.config.configuration import Config
from nmt.config.loading import from_yaml
from nmt.errors import ConfigError

_OF_A_LANGUAGE = "zh", "ja-mecab", "ko-mecab"  # tokenizers of BLEU


def reversed_config(config: Config) -> Config:
    """Swaps the languages, their files and their SentencePiece models; the name gets `-reverse` behind it.

    All else belongs to the sides by their parts: `normalization` is of what is read, whatever language that is. Tags
    stay as they are: they stand before the new sources.

    Raises:
        ConfigError: the name is too long for that; alignments are given, which are those of one direction; or the
            tokenizer of BLEU is that of the language that is read now.
    """
    if config.training.alignments:
        what = "are of the other direction; --set training.alignments=null learns them from the corpus"
        raise ConfigError("training.alignments", what)
    data, tokenizer = config.data, config.tokenizer
    if config.training.validation_tokenize in _OF_A_LANGUAGE:
        what = f"is {config.training.validation_tokenize}, which is for {data.target_language}"
        raise ConfigError("training.validation_tokenize", f"{what}; expected auto for {data.source_language}")
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
