"""Waiting for a condition, bounded: never a sleep and a hope."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Returns as soon as `condition()` holds; fails the test with `what` after `within_s` seconds."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {within_s:.0f} s: {what}")
        time.sleep(0.05)
