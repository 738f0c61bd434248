"""Which code this is."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path


def code_revision() -> str:
    """The commit of the checkout that runs, "-dirty" where it was changed since; the version of an installation."""
    here = Path(__file__).parent.parent
    if (here / ".git").exists():
        try:
            said = subprocess.run(
                ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            pass
        else:
            return said.stdout.strip()
    return version("fraudstream")
