"""Providers' packages, kept from logging what they send."""

from __future__ import annotations

import logging
from typing import Final

# Numbers stand in the URLs that these log, topics and whole messages in what botocore does.
_LEVELS: Final = {"twilio": logging.WARNING, "botocore": logging.WARNING, "urllib3": logging.ERROR}


def keep_quiet() -> None:
    """Whatever level the root logger has; one that somebody gave a package stays."""
    for package, level in _LEVELS.items():
        logger = logging.getLogger(package)
        if logger.level == logging.NOTSET:
            logger.setLevel(level)
