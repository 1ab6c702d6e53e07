"""What a run and a model keep on disk: names, manifests, tensors, checkpoints, and reading them as from a stranger."""
