"""The description of a job, by which it is known again when it goes on: all that its output depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nmt.bulk.inputs import InputFile
from nmt.bulk.worker import Work

_CHANGES_NOTHING = frozenset(["batch_tokens"])  # of the section `search`


def describe(work: Work, files: Sequence[InputFile]) -> dict[str, Any]:
    """Returns values of JSON by the names of options, the model's SHA-256 as `MODEL`, and the files as `INPUT`."""
    options, postprocessor, columns = work.options, work.postprocessor, work.columns
    search = {name: value for name, value in options.search.model_dump().items() if name not in _CHANGES_NOTHING}
    sampling = {} if options.sampling is None else asdict(options.sampling)
    terms = options.glossary and sorted((term.source, *term.targets) for term in options.glossary.terms)
    values = {
        "column": columns.source,
        "to": columns.to,
        "id": columns.id,
        "score": columns.score,
        "confidence": columns.confidence,
        "input_format": work.kind,
        "format": work.output.kind,
        "shard_rows": work.most_rows,
        **search,
        "sample": options.sampling is not None,
        **sampling,
        "mbr": options.mbr,
        "mbr_metric": options.mbr_metric,
        "diverse": options.diverse,
        "diversity": options.diversity,
        "split_sentences": options.split_sentences,
        "translate_all": options.translate_all,
        "tag": options.tag,
        "glossary": _fingerprint(terms),
        "replace_unknown": postprocessor.replace_unknown,
        "dictionary": _fingerprint(postprocessor.dictionary),
        "copy": list(postprocessor.copy),
        "device": work.model.device,
        "precision": work.model.precision,
    }
    return {
        "MODEL": work.model.identity,
        "INPUT": {file.name: [file.size, file.modified] for file in files},
        **{"--" + name.replace("_", "-"): value for name, value in values.items()},
    }


def _fingerprint(content: object) -> str | None:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:16] if content else None
