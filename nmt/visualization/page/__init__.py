"""Self-contained web pages: one file, no network, and no text that becomes markup. Independent of translation."""

from nmt.visualization.page.document import Asset, self_contained_page

__all__ = ["Asset", "self_contained_page"]
