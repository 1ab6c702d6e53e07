"""The report page of a comparison, which `nmt compare --output x.html` writes."""
