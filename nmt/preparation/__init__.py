"""Preparation: from a corpus as it is distributed to training, validation and test sets and a configuration."""
