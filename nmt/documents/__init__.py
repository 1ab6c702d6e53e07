"""Documents: what of a file is text, and the file again with translations in the place of that text."""
