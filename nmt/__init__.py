"""nmt: train your own machine translator and watch its attention choose words."""
