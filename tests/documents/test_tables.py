"""Tables: which cells are text, and which tables cannot be understood."""

from __future__ import annotations

import pytest

from made_up_translations import capitals
from nmt.documents.document import Told
from nmt.documents.tables import read_rows
from nmt.errors import DataError


class Whole:
    """A stream that gives all of a table at once."""

    name = "shop"

    def __init__(self, text: str) -> None:
        self._data = text.encode()

    def read(self) -> bytes:
        data, self._data = self._data, b""
        return data

    def is_ready(self) -> bool:
        return True


def written(text: str, kind: str, *columns: str, warnings: list[str] | None = None) -> str:
    told = Told((lambda _: None) if warnings is None else warnings.append)
    parts = read_rows(Whole(text), kind, columns, told)
    return "".join(rows.written(capitals(rows.lines)) for rows in parts)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('id,text\n1,"He said "no", then left."\n', 2),
        ('id,text\n1,ba\n2,"You are there.,6\n3,"She"\n', 4),
        ('id,text\n1,"open\n2,"closed"\n', 3),
        ('"id"x,text\n1,ba\n', 1),
    ],
)
def test_text_behind_a_closing_quotation_mark_is_refused(text: str, line: int) -> None:
    with pytest.raises(DataError, match=f"shop:{line}: is broken: .* behind a closing quotation mark"):
        written(text, "csv", "2")


def test_white_space_behind_a_closing_quotation_mark_stays() -> None:
    text = 'id;text;note\r\n1;"ba; ""ce""" ;x\r\n2; "fo" ;"x"\r\n3;"a"\t\r\n'
    assert written(text, "csv", "text") == text.replace('ba; ""ce""', 'BA; ""CE""').replace('"fo"', '"FO"').replace(
        '"a"', '"A"'
    )


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_column_that_no_row_has_is_an_error(kind: str) -> None:
    warnings: list[str] = []
    with pytest.raises(DataError, match="shop: has no column '099'; its longest row has 2"):
        written("a\tb\nc\n", "tsv", "099", warnings=warnings)
    sign = "," if kind == "csv" else "\t"
    assert written(f"a{sign}b\nc\n", kind, "02", warnings=warnings) == f"a{sign}B\nc\n"
    assert warnings[-1] == "shop:2: left as it was: the row has no column '02'"
    assert written(f"a{sign}text\nc\n", kind, "text", warnings=warnings) == f"a{sign}text\nc\n"
    assert warnings[-1] == "shop:2: left as it was: the row has no column 'text'"


def test_a_field_that_holds_no_text_is_told() -> None:
    warnings: list[str] = []
    text = '{"text": ["ba", "ce"]}\n{"text": {"a": "ba"}}\n{"text": null}\n{"text": 7}\n{"text": "ba"}\n'
    assert written(text, "jsonl", "text", warnings=warnings) == text.replace('t": "ba"', 't": "BA"')
    assert warnings == [
        "shop:1: left as it was: its field 'text' holds a list, not a text",
        "shop:2: left as it was: its field 'text' holds an object, not a text",
    ]
