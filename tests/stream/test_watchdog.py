"""A loop that stands still ends its process, whatever it stands in; one that turns is left alone."""

from __future__ import annotations

import subprocess
import sys
import threading

from stream.health import Health
from stream.watchdog import watched
from tests.harness.waiting import wait_until

STUCK = """
import threading
from stream.health import Health
from stream.watchdog import watched

with watched(Health(), 1.0):
    threading.Lock().acquire() and threading.Event().wait()
"""


def test_a_process_whose_loop_stands_still_ends_with_status_1_and_says_where() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "the loop stands still" in ended.stdout + ended.stderr
    assert "wait" in ended.stdout + ended.stderr


def test_a_loop_that_turns_is_left_alone() -> None:
    ended, health = threading.Event(), Health()

    with watched(health, 1.0, end=ended.set):

        def has_turned_long_enough() -> bool:
            health.beat()
            return health.beats == 60

        wait_until(has_turned_long_enough, within_s=30, what="sixty turns")

    assert not ended.is_set()
