"""The attention page, on which a reader sees how attention chose the words of some translations."""
