"""Processes by their numbers."""

from __future__ import annotations

import subprocess


def is_gone(pid: int) -> bool:
    """Whether a process has ended; whoever is its parent by now may not have taken notice."""
    asked = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()[:1] in {"", "Z"}
