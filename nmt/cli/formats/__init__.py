"""How the commands write their results: text, JSON, Moses n-best lists, Pharaoh alignments."""
