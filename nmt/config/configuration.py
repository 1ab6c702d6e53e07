"""A complete configuration, validated and resolved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from nmt.config import constraints, yaml12
from nmt.config.section import Section
from nmt.config.sections import DataConfig, ModelConfig, SearchConfig, TokenizerConfig, TrainingConfig
from nmt.config.types import Name, Seed

CONFLICT_ERROR = "conflict"

# Keys that a resumed run may change: its limits, its intervals, and what changes nothing about the model.
# `nmt.training.resuming` has the rules for what depends on more than the key.
_LIMITS = *constraints.LIMITS, "patience"
_INTERVALS = "log_every", "validate_every", "save_every_minutes"
_UNUSED = "search.shortlist", "search.batch_tokens", "data.prepared"
CHANGEABLE = frozenset((*(f"training.{name}" for name in (*_LIMITS, *_INTERVALS, "cuda_graphs")), *_UNUSED))


class Config(Section):
    """Everything that a run depends on; read by `load_config` from a file, by `from_yaml` from what `as_yaml` wrote."""

    name: Name = Field(default="nmt", description="of the run; its directory is `runs/NAME`")
    seed: Seed = Field(default=1, description="of everything random")
    data: DataConfig = Field(description="languages and files")
    tokenizer: TokenizerConfig = Field(default=TokenizerConfig(), description="how text becomes tokens")
    model: ModelConfig = Field(default=ModelConfig(), description="the network")
    training: TrainingConfig = Field(default=TrainingConfig(), description="how it learns, and for how long")
    search: SearchConfig = Field(default=SearchConfig(), description="how translations are searched for")

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        if "tie_embeddings" not in self.model.model_fields_set:
            tie = constraints.widest_tie(self.tokenizer, self.model)
            # Frozen for everybody else; this is the last step of construction.
            object.__setattr__(self, "model", self.model.model_copy(update={"tie_embeddings": tie}))
        conflicts = [
            *constraints.data_conflicts(self.data, self.training),
            *constraints.tokenizer_conflicts(self.tokenizer),
            *constraints.model_conflicts(self.tokenizer, self.model),
            *constraints.training_conflicts(self.model, self.training),
            *constraints.guidance_conflicts(self.tokenizer, self.model, self.training),
            *constraints.search_conflicts(self.model, self.search),
        ]
        if conflicts:
            message = "; ".join(f"{conflict.keys[0]}: {conflict.what}" for conflict in conflicts)
            raise PydanticCustomError(CONFLICT_ERROR, "{message}", {"message": message, "conflicts": conflicts})
        return self

    def as_yaml(self) -> str:
        """Writes every key with its value, in a fixed order; `from_yaml` reads an equal configuration."""
        return yaml12.write(self.model_dump())


def changed_keys(old: Config, new: Config) -> list[tuple[str, object, object]]:
    """Returns each key whose resolved value differs, with its old and new value, in the order of the sections."""
    return list(_changes("", old.model_dump(), new.model_dump()))


def _changes(key: str, before: Any, after: Any) -> Iterator[tuple[str, object, object]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            yield from _changes(f"{key}.{name}".removeprefix("."), value, after[name])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _changes(f"{key}[{place}]", one, other)
    elif before != after:
        yield key, before, after
