"""The page that lets a reader see how attention chose the words of some translations."""

from nmt.visualization.attention_page.document import MOST_LINES, attention_page

__all__ = ["MOST_LINES", "attention_page"]
