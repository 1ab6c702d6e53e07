"""The description of a job, by which it is identified when it is resumed: all that its output depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nmt.bulk.columns import Columns
from nmt.bulk.inputs import InputFile
from nmt.bulk.job_spec import JobSpec
from nmt.bulk.manifest import VERSION

if TYPE_CHECKING:
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions

_CHANGES_NOTHING = frozenset(["batch_tokens"])  # of the section `search`


def describe(spec: JobSpec, files: Sequence[InputFile]) -> dict[str, Any]:
    """Returns values of JSON: options by their names, the model's SHA-256 as `MODEL`, the files as `INPUT`."""
    options = {
        "input_format": spec.input_format,
        "format": spec.output.format,
        "shard_rows": spec.max_rows,
        **_translation_options(spec.columns, spec.options, spec.postprocessor),
        "device": spec.model.device,
        "precision": spec.model.precision,
    }
    return {
        "VERSION": VERSION,
        "MODEL": spec.model.identity,
        "INPUT": {file.name: [file.size, file.modified] for file in files},
        **_by_option(options),
    }


def default_description() -> dict[str, Any]:
    """Returns the defaults of options, for those that a description of an earlier version does not have."""
    from nmt.postprocessing.postprocess import Postprocessor
    from nmt.translation.options import TranslateOptions

    return _by_option(_translation_options(Columns(), TranslateOptions(), Postprocessor()))


def _translation_options(columns: Columns, options: TranslateOptions, postprocessor: Postprocessor) -> dict[str, Any]:
    search = {name: value for name, value in options.search.model_dump().items() if name not in _CHANGES_NOTHING}
    sampling = {} if options.sampling is None else asdict(options.sampling)
    terms = options.glossary and sorted((term.source, *term.targets) for term in options.glossary.terms)
    return {
        "column": columns.source,
        "to": columns.to,
        "id": columns.id,
        "score": columns.score,
        "confidence": columns.confidence,
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
    }


def _by_option(values: dict[str, Any]) -> dict[str, Any]:
    return {"--" + name.replace("_", "-"): value for name, value in values.items()}


def _fingerprint(content: object) -> str | None:
    return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:16] if content else None
