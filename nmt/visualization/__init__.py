"""Attention and comparisons as pictures: heat maps, figures and self-contained pages."""
