"""Files that systems and file browsers leave in any folder they show; nobody means them to be there."""

from __future__ import annotations

from pathlib import Path

# macOS, Windows, KDE, and the index of Synology's file servers.
_NAMES = frozenset(
    {
        *(".DS_Store", ".localized", "Icon\r", ".Spotlight-V100", ".Trashes", ".fseventsd", ".TemporaryItems"),
        *("Thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "$RECYCLE.BIN", "System Volume Information"),
        *(".directory", "@eaDir"),
    }
)
# Attributes that macOS keeps beside a file, where the file system has no place for them; a file that was removed while
# a network file system had it open.
_PREFIXES = ("._", ".nfs0")


def is_system_file(name: str) -> bool:
    """Returns True for the name of a file that a system or a file browser wrote."""
    return name in _NAMES or name.startswith(_PREFIXES)


def entries(directory: Path) -> list[str]:
    """Returns the names in a directory but those of such files, sorted. Raises OSError if it cannot be read."""
    return sorted(path.name for path in directory.iterdir() if not is_system_file(path.name))
