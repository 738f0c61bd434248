"""Names to addresses within a time: the system's resolver takes as long as it likes, and cannot be interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final

from alerting.channels.deadline import Deadline

Resolve = Callable[[str, int], Sequence[str]]


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the system resolves it.

    Raises:
        OSError: It has none, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Lookups:
    """Looks names up on threads that nobody waits for longer than there is time. May be used by several threads.

    Whoever asks for a name that is being looked up waits for the same answer: a resolver that hangs holds one thread
    for each name, however often it is asked.

    Args:
        resolve: Every address of a host.
    """

    def __init__(self, resolve: Resolve = addresses_of) -> None:
        self._resolve = resolve
        self._lock = Lock()
        self._under_way: dict[tuple[str, int], Future[Sequence[str]]] = {}

    def addresses(self, host: str, port: int, deadline: Deadline) -> Sequence[str]:
        """Every address of a host.

        Raises:
            OSError: It has none, or nobody answers in time (TimeoutError).
            UnicodeError: It is no name.
        """
        place = (host, port)
        with self._lock:
            answer = self._under_way.get(place)
            if answer is None:
                answer = Future()
                Thread(target=self._look_up, args=(place, answer), name="lookup", daemon=True).start()
                self._under_way[place] = answer
        return answer.result(deadline.left())

    def _look_up(self, place: tuple[str, int], answer: Future[Sequence[str]]) -> None:
        try:
            found = self._resolve(*place)
        except BaseException as failure:  # noqa: BLE001 (whoever waits is told, whatever it is)
            self._forget(place)
            answer.set_exception(failure)
        else:
            self._forget(place)
            answer.set_result(found)

    def _forget(self, place: tuple[str, int]) -> None:
        with self._lock:
            del self._under_way[place]


SYSTEM: Final = Lookups()
