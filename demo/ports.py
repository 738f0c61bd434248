"""Free ports of 127.0.0.1 for a server that is told its port before it starts."""

from __future__ import annotations

import random
import socket
from typing import Final

from model.errors import Mendable

LOOPBACK: Final = "127.0.0.1"

# Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections: none of those
# can take the port while the server is down, least of all a client that connects to it and so to itself.
_FIRST, _LAST = 20_000, 32_000


class PortTaken(Mendable):
    """Another process listens on the port asked for."""


def is_free(port: int) -> bool:
    """True where a server can listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """As many different free ports, drawn at random so that two processes seldom meet."""
    draw = random.SystemRandom()
    ports: list[int] = []
    while len(ports) < count:
        port = draw.randint(_FIRST, _LAST)
        if port not in ports and is_free(port):
            ports.append(port)
    return ports


def require_free(port: int) -> None:
    """Makes sure that nobody listens on the port.

    Raises:
        PortTaken: Somebody does.
    """
    if not is_free(port):
        raise PortTaken(f"port {port} of {LOOPBACK} is taken", remedy="give another one, or stop what listens there")
