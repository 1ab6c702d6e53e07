"""Names of files that systems and file browsers leave in folders."""

SYSTEM_FILES = [".DS_Store", "Thumbs.db", "desktop.ini", "._model.safetensors", ".directory"]
