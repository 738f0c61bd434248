"""Durations and limits as they are written: `30s`, `5/15m`."""

from __future__ import annotations

import re
from typing import Final

from alerting.limits import Window

# A year at most, so that the schema says the same as the reader.
DURATION: Final = (
    r"([0-9]{1,7}s|[0-9]{1,5}m|([0-7]?[0-9]{1,3}|8[0-6][0-9]{2})h|([0-2]?[0-9]{1,2}|3[0-5][0-9]|36[0-6])d)"
)
LIMIT: Final = rf"[1-9][0-9]{{0,8}}/(?!0+[smhd]){DURATION}"

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds(text: str) -> float | None:
    """How long `30s`, `5m`, `2h` or `7d` is; None where it is no duration, or one longer than a year."""
    if not re.fullmatch(DURATION, text, re.ASCII):
        return None
    return float(text[:-1]) * _SECONDS[text[-1]]


def window(text: str) -> Window | None:
    """What `5/15m` allows: 5 in 15 minutes; None where it is no limit, or one that lets nothing pass."""
    if not re.fullmatch(LIMIT, text, re.ASCII):
        return None
    most, _, duration = text.partition("/")
    length = seconds(duration)
    return Window(most=int(most), seconds=length) if length else None
