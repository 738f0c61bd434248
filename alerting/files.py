"""Files that a user names, in the words of errors."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alerting.text import one_line

_LONGEST_PATH: Final = 300


def shown_path(path: Path) -> str:
    """The path in quotes, in one line."""
    return f"'{one_line(str(path), _LONGEST_PATH)}'"


def why_unreadable(refusal: OSError | ValueError) -> str:
    """Why a file cannot be opened; a ValueError is of a name that no file can have."""
    return refusal.strerror or refusal.__class__.__name__ if isinstance(refusal, OSError) else "a NUL in its name"
