"""How good translations are: scores, their significance, and two translations side by side."""
