"""What a receiver is told to do wrong, in order; after that it does everything right."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One request treated badly.

    Attributes:
        status: What is answered.
        code: Twilio's own code for it, where the receiver is Twilio's.
        retry_after: The header Retry-After.
        location: The header Location.
        body: Answered instead of JSON.
        drop: Nothing is answered: the connection is closed once the request has been read.
        taken: It is taken nevertheless, as if all were well: only the answer is bad.
        hold_s: Seconds before anything happens.
    """

    status: int = 500
    code: int | None = None
    retry_after: str | None = None
    location: str | None = None
    body: bytes | None = None
    drop: bool = False
    taken: bool = False
    hold_s: float = 0.0


class Script:
    """Faults still to come. Written by one thread, read by a server's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: deque[Fault] = deque()
        self._asked = 0

    @property
    def asked(self) -> int:
        """How many requests have come so far, well treated or not."""
        with self._lock:
            return self._asked

    def add(self, *faults: Fault) -> None:
        """The next requests are treated so, one each."""
        with self._lock:
            self._faults.extend(faults)

    def next(self) -> Fault | None:
        """How to treat this request; None is well."""
        with self._lock:
            self._asked += 1
            return self._faults.popleft() if self._faults else None
