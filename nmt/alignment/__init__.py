"""Attention read as links between words or tokens, and two directions of links made one."""
