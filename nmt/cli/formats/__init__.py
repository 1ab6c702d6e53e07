"""The formats of results: text, JSON, Moses n-best lists, Pharaoh alignments; a module for each kind of result."""
