"""Nothing of the real system reaches the demo, and the demo reaches nothing of it."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Final

from demo.ports import LOOPBACK

# Settings, credentials and addresses that the user's shell may hold for production.
_NOT_FOR_US: Final = ("FRAUD_", "AWS_", "TWILIO_")

_ON_THIS_MACHINE_ONLY: Final = {
    # No file in the home directory gives AWS another address, no machine gives credentials.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    # Nothing goes through a proxy.
    "NO_PROXY": LOOPBACK,
    "no_proxy": LOOPBACK,
}


def isolate(environ: MutableMapping[str, str]) -> None:
    """Takes out of an environment whatever speaks of a real system.

    Args:
        environ: The process's own, before anything of it is read; children inherit the rest.
    """
    for name in [name for name in environ if name.startswith(_NOT_FOR_US)]:
        del environ[name]
    environ.update(_ON_THIS_MACHINE_ONLY)
