"""Runs and models on disk: names, manifests, tensors, checkpoints, and reading them as from a stranger."""
