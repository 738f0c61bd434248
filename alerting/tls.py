"""Whom a channel trusts to be who it says."""

from __future__ import annotations

import ssl
from pathlib import Path

from alerting.errors import ChannelRefused


def trust(ca_file: Path | None, *, setting: str) -> ssl.SSLContext:
    """Certificates and host names are checked, TLS is 1.2 at least.

    Args:
        ca_file: Certificates to trust (PEM); None trusts the system's.
        setting: The file's name in the settings, for the error.

    Raises:
        ChannelRefused: The file cannot be read, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as refusal:  # an ssl.SSLError is an OSError
        problem = f"{setting} {str(ca_file)!r} gives no certificates ({refusal.__class__.__name__})"
        raise ChannelRefused(problem, remedy="give a readable file of CA certificates in PEM") from None
