"""Threads that work one thing off after the other, and hold back no process that ends.

`concurrent.futures` waits at the interpreter's end for what its threads are at, however long that takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread


class Threads:
    """Used by one thread.

    Args:
        most: How many things are done at once.
        name: The threads'.
    """

    def __init__(self, most: int, *, name: str) -> None:
        self._most = most
        self._name = name
        self._threads: list[Thread] = []
        self._to_do: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, act: Callable[[], None]) -> None:
        """Has something done as soon as a thread is free.

        Args:
            act: Raises nothing.
        """
        self._to_do.put(act)
        if len(self._threads) < self._most:
            thread = Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Does nothing more that has not begun; waits for nothing."""
        try:
            while True:
                self._to_do.get_nowait()
        except Empty:
            pass
        for _ in self._threads:
            self._to_do.put(None)

    def join(self, within_s: float) -> None:
        """Waits for what has begun, once it was stopped.

        Args:
            within_s: For all of it.
        """
        until = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))

    def _work(self) -> None:
        while (act := self._to_do.get()) is not None:
            act()
