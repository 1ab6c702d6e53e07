"""`nmt compare --output x.html`: the report as a self-contained page."""
