"""The built-in corpus: an English-French grammar that generates sentence pairs with their word alignments."""
