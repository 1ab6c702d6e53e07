"""Files, streams, lines and terminals: what every part of the program reads and writes through."""
