"""Translating without torch: the same model and search in NumPy, for a few lines, which then need no waiting."""
