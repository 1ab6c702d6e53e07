"""A line's way: segments, search, translations; given translations, and what the decoder did at each step."""
