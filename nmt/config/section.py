"""A section of keys, as all sections of a configuration are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of keys: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
