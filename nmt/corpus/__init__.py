"""Parallel corpora: reading and cleaning pairs, memory-mapped token ids, and batches of them."""
