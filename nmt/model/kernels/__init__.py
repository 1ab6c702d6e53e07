"""The fast computation of the equations of `nmt.model`: loops over time with gradients by hand, for CPUs and GPUs."""
