"""The attention page, on which a reader sees how attention chose the words of some translations."""

from nmt.visualization.attention_page.document import MAX_LINES, attention_page

__all__ = ["MAX_LINES", "attention_page"]
