"""The marks and the usual options of the searches that tests make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nmt.search.options import SearchOptions

BOS, EOS = 0, 1


def search_options(**changes: Any) -> SearchOptions:
    """Options for the tables, with some of them changed."""
    usual = SearchOptions(
        bos=BOS,
        eos=EOS,
        forbidden=(),
        beam_size=5,
        n_best=1,
        length_penalty=1.0,
        coverage_penalty=0.0,
        no_repeat_ngram=0,
        keep_attention=False,
        groups=1,
        diversity=0.5,
    )
    return replace(usual, **changes)
