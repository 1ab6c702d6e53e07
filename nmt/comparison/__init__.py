"""Two translations of one test set side by side: scores, whether they differ by chance, and where they differ."""
