"""A finished translation corrected by its attention: words copied from the source, and reasons to doubt it."""
