"""Claims about `scripts/docs_hooks.py`: what is written for the repository's web view reads well on the site, too."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "docs_hooks.py"
HOOKS = runpy.run_path(str(SCRIPT), run_name="docs_hooks")
rewrite, anchor, on_page_content = HOOKS["rewrite"], HOOKS["anchor"], HOOKS["on_page_content"]


def test_links_within_the_site_stay() -> None:
    text = "[one](translate.md#formats), [two](../glossary.md), [three](#here) and [four](https://example.org/a.md)"
    assert rewrite(text, "commands/index.md", None) == text


def test_pictures_stay() -> None:
    assert rewrite("![cat](../images/cat.svg)", "lesson/attention.md", None) == "![cat](../images/cat.svg)"


def test_a_link_to_code_is_a_path_where_the_repository_is_not_known() -> None:
    assert rewrite("see [`beam.py`](../nmt/search/beam.py).", "glossary.md", None) == "see `nmt/search/beam.py`."
    assert rewrite("[nmt/search/](../nmt/search)", "glossary.md", None) == "`nmt/search`"
    assert (
        rewrite("[the loop](../nmt/search/decoding.py)", "glossary.md", None) == "the loop (`nmt/search/decoding.py`)"
    )


def test_a_link_to_code_leads_to_the_repository_where_it_is_known() -> None:
    found = rewrite("[beam.py](../../nmt/search/beam.py)", "explanation/equations.md", "https://example.org/nmt/")
    assert found == "[beam.py](https://example.org/nmt/blob/HEAD/nmt/search/beam.py)"


def test_a_link_to_code_that_is_not_there_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    rewrite("[beam.py](../nmt/search/nowhere.py)", "glossary.md", None)
    assert caplog.messages == ["glossary.md: a link leads to nmt/search/nowhere.py, which is not in the repository"]


def test_documents_of_the_repository_that_are_pages_are_linked_as_pages() -> None:
    text = "[Corpora](../../data/README.md#multi30k) and [security](../../SECURITY.md)"
    expected = "[Corpora](../corpora.md#multi30k) and [security](../security.md)"
    assert rewrite(text, "tutorials/first-model.md", None) == expected


def test_links_of_added_pages_start_where_these_pages_are_in_the_repository() -> None:
    text = "[train](../docs/commands/train.md#options), [all](../configs) and [below](#europarl)"
    assert (
        rewrite(text, "corpora.md", None)
        == "[train](commands/train.md#options), all (`configs`) and [below](#europarl)"
    )


def test_code_stays() -> None:
    text = "`[a](../nmt/x.py)`\n\n```text\n[a](../nmt/x.py)\n```\n"
    assert rewrite(text, "glossary.md", None) == text


def test_formulas_become_mathml() -> None:
    display = rewrite("So\n\n```math\nh_j = 1\n```\n", "equations.md", None)
    assert display.startswith('So\n\n<div class="formula"><math') and "<msub>" in display and "```" not in display
    inline = on_page_content("<p>written $<code>x_1 &lt; y</code>$, which <code>costs</code> $5</p>")
    assert "<msub>" in inline and "$<code>" not in inline and "<code>costs</code> $5" in inline


def test_anchors_are_those_of_the_repositorys_web_view() -> None:
    assert anchor("What `attention: none` loses", "-") == "what-attention-none-loses"
    assert anchor("소프트맥스 (softmax)", "-") == "소프트맥스-softmax"
