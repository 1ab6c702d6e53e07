"""Readers of corpora as they are distributed: from files of many kinds to pairs."""
