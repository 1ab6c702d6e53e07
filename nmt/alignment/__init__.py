"""Attention read as an alignment of words, and drawn."""
