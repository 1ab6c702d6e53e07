"""Recipes: settings of a training of the right size for a corpus, the time one has, and the speed of the machine."""
