"""Scores of translations, their significance, and the comparison of two translations."""
