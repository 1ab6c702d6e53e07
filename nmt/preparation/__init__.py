"""Preparation of a corpus as it is distributed: cleaned, split, with a configuration of the right size."""
