"""The file of a glossary: tab-separated values, a term a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from nmt.io.line_faults import LineFaults
from nmt.io.streams import read_lines
from nmt.translation.glossary import Glossary

MOST_ALTERNATIVES = 256
"""Maximum number of target terms of a source term."""

LONGEST_TERM = 500
"""Maximum number of characters of a term."""


def read_glossary(path: str, warn: Callable[[str], None] = lambda _: None) -> Glossary:
    """Reads a glossary: on each line a source term and, behind tabs, one target term or several.

    Blank lines and lines that begin with `#` are skipped, and so are empty columns at the end of a line. Of a source
    term on several lines, the target terms are joined. `warn` is called with a message about invalid UTF-8, and about a
    file without terms.

    Raises:
        DataError: lines that are no terms; names them as `LineFaults` does.
        InputFileError: the file is missing or cannot be read.
    """
    terms: dict[str, list[str]] = {}
    faults = LineFaults("a glossary")
    for line in read_lines(path, warn):
        text = line.unmarked
        if not line.too_long and (not text.strip() or text.startswith("#")):
            continue
        source, *targets = [" ".join(column.split()) for column in text.rstrip().split("\t")]
        targets = list(dict.fromkeys([*terms.get(source, ()), *targets]))
        what = "is too long for a term" if line.too_long else _fault(source, targets)
        faults.look_at(f"{path}:{line.number}", what)
        if faults.are_enough:
            break
        if not what:
            terms[source] = targets
    faults.check()
    if not terms:
        warn(f"{path}: has no terms")
    return Glossary.from_terms(terms.items())


def _fault(source: str, targets: list[str]) -> str:
    """Returns what is wrong with a line; nothing if it is a term."""
    expected = "expected a source term and its target terms, with tabs between them"
    if not source:
        return f"has no source term; {expected}"
    if not targets:
        return f"has no translation of {source!r:.80}; {expected}"
    if not all(targets):
        return f"has an empty column; {expected}"
    if control := next((one for text in (source, *targets) for one in text if unicodedata.category(one) == "Cc"), ""):
        return f"has the control character {control!r}; expected text"
    if (longest := max(map(len, (source, *targets)))) > LONGEST_TERM:
        return f"has a term of {longest:,} characters; expected at most {LONGEST_TERM}"
    if len(targets) > MOST_ALTERNATIVES:
        return f"has {len(targets)} target terms of {source!r:.80}; expected at most {MOST_ALTERNATIVES}"
    return ""
