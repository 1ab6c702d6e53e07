"""How the equations of `nmt.model` are computed fast: loops over time with gradients by hand, for CPUs and GPUs."""
