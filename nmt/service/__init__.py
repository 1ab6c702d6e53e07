"""`nmt serve`: models behind HTTP, in LibreTranslate's interface and in one of their own."""
