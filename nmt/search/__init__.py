"""Search for good translations, given a function that scores the next token; it knows no model."""
