"""What a line of text is, and how it becomes tokens."""
