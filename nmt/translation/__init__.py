"""The way of a line: segments, search, translations; also forced decoding and the decoding trace."""
