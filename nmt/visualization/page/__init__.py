"""Self-contained web pages: one file, no network, and no text that becomes markup. Independent of translation."""
