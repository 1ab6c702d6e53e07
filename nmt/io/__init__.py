"""Files, streams, lines and terminals, through which every part of the program reads and writes."""
