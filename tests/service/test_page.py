"""The page as the service serves it, in a browser."""

from __future__ import annotations

from typing import Any

from served import Served
from watched_page import Watched, needs_chromium, texts


@needs_chromium
def test_the_page_translates_and_walks_by_the_service_it_came_from(service: Served, browser: Any) -> None:
    text = "ba ce di. fo gu.\n\n🐈 ha je"
    translator = next(iter(service.models)).translator
    with Watched(browser, service.url) as page:
        page.wait_for_selector("#text")
        page.fill("#text", text)
        page.wait_for_selector(".output:not(.stale) .piece")
        assert texts(page, ".mirror .piece") == text.split()
        page.click(".translated .sentence:last-of-type .piece >> nth=0")
        assert page.inner_text(".of-source") == "🐈 ha je"
        page.click(".how")
        page.wait_for_selector(".walk-dialog .row.worked")
        assert texts(page, ".chip") == list(translator.attend("🐈 ha je").target_tokens)
