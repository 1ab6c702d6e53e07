"""What is done to a finished translation by its attention: words put in their place, and reasons to doubt it."""
