"""A page in Chromium, and all that goes wrong or out while it is open."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open the page with")


class Watched:
    """A page at an address; at the end it must have complained of nothing and asked nobody else.

    A file asks for itself alone; a page of a server may ask that server. `expected` is what a complaint may begin with.
    """

    def __init__(self, browser: Any, address: str, *, expected: str | None = None, **options: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1200, "height": 900}} | options))
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page = self.context.new_page()
        self.address = address
        self.expected = expected
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()
        expected = self.expected
        complaints = [text for text in self.complaints if expected is None or not text.startswith(expected)]
        is_file = self.address.startswith("file:")
        others = self.requests[1:] if is_file else [url for url in self.requests if not url.startswith(self.address)]
        assert (complaints, others) == ([], [])


def texts(page: Any, selector: str) -> list[str]:
    """The texts of all elements of a page that a selector finds."""
    found: list[str] = page.eval_on_selector_all(selector, "all => all.map(one => one.textContent)")
    return found
