"""Hooks of the documentation's build: the pages are written for the repository's web view, and MkDocs shows them too.

Three things differ between the two. Links that leave `docs/` lead to a file of the repository; the site links to it
where `repo_url` says where that is, and gives its path as text where it does not. Some documents outside `docs/` are
pages of the site. Formulas in TeX become MathML, which browsers draw without a program.
"""

from __future__ import annotations

import html
import logging
import posixpath
import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

logger = logging.getLogger("mkdocs.hooks.docs")  # whose warnings fail a strict build

ADDED = {"data/README.md": "corpora.md", "tests/README.md": "tests.md", "CHANGELOG.md": "changelog.md"}
"""Documents of the repository that are pages of the site, too, and the names of these pages."""

PLACES = {**ADDED, "README.md": "index.md", "SECURITY.md": "security.md", "CONTRIBUTING.md": "contributing.md"}
"""Where on the site a link to a document outside `docs/` leads."""

_MARKUP = re.compile(
    r"^ *```math\n(?P<formula>.*?)^ *```$"
    r"|^(?P<fence> *```).*?^(?P=fence)$"
    r"|(?P<code>``[^\n]+?``|`[^`\n]*`)"
    r"|(?P<image>!?)\[(?P<text>(?:`[^`\n]*`|[^\[\]`])*)\]\((?P<link>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Names the anchors of headings as the repository's web view does."""
    config.mdx_configs["toc"]["slugify"] = anchor
    return config


def anchor(heading: str, separator: str) -> str:
    """The name by which links find a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that lie outside `docs/`."""
    for source, page in ADDED.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrites the links that leave `docs/`, and the formulas that stand on lines of their own."""
    del files
    return rewrite(markdown, page.file.src_uri, config.repo_url)


def on_page_content(content: str, **_: object) -> str:
    """Rewrites the formulas within a line, which stand between dollar signs and backticks."""
    return re.sub(r"\$<code>(.*?)</code>\$", lambda found: convert(html.unescape(found[1])), content)


def rewrite(markdown: str, page: str, repository: str | None) -> str:
    """A page's Markdown as the site needs it.

    Args:
        markdown: of the page.
        page: its path on the site, such as commands/train.md.
        repository: the address of the repository's web view, if it is known.
    """
    sources = {place: source for source, place in ADDED.items()}
    folder = posixpath.dirname(sources.get(page, f"docs/{page}"))

    def replaced(found: re.Match[str]) -> str:
        if found["formula"] is not None:
            return f'<div class="formula">{convert(found["formula"].strip(), display="block")}</div>'
        if found["link"] is None or found["image"]:
            return found[0]
        file, sharp, heading = found["link"].partition("#")
        if not file or "://" in file or file.startswith(("/", "mailto:")):
            return found[0]
        path = posixpath.normpath(posixpath.join(folder, file))
        place = PLACES.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if place is not None:
            return f"[{found['text']}]({posixpath.relpath(place, posixpath.dirname(page) or '.')}{sharp}{heading})"
        if not (ROOT / path).exists():
            logger.warning("%s: a link leads to %s, which is not in the repository", page, path)
        if repository:
            return f"[{found['text']}]({repository.rstrip('/')}/blob/HEAD/{path}{sharp}{heading})"
        is_name = path.endswith(found["text"].strip("`").rstrip("/"))
        return f"`{path}`" if is_name else f"{found['text']} (`{path}`)"

    return _MARKUP.sub(replaced, markdown)
