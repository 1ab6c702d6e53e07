"""Attention and comparisons as heat maps, figures and self-contained pages."""
