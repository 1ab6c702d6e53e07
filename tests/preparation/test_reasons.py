"""Names of reasons and mends stay, and each is on the page that explains them."""

from pathlib import Path

import pytest

from nmt.corpus.faults import Fault
from nmt.corpus.mending import Mend
from nmt.preparation.reasons import MEANINGS, SetReason

PAGE = Path(__file__).parents[2] / "docs" / "commands" / "prepare.md"


@pytest.mark.parametrize("name", [*Fault, *SetReason, *Mend])
def test_each_name_is_explained(name):
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")


def test_each_reason_has_a_meaning_and_one_name():
    reasons = [*Fault, *SetReason]
    assert set(MEANINGS) == set(reasons) and len({str(reason) for reason in reasons}) == len(reasons)
