"""The page of `nmt serve`: a translator to type into, with its attention."""
