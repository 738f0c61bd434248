"""POST over HTTP with one deadline for all of it, to addresses that were looked at first.

The host's name is resolved for each new connection, every address that it has is checked, and the connection goes to
one of those: a name that resolves to something else a moment later leads nowhere. Redirects are not followed, proxies
of the environment not asked. Connections are kept for the next request to the same host.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from alerting.addresses import Network, is_allowed, refusal
from alerting.delivery import FailureReason, Refused, Retry, Unsure

_KEPT_PER_HOST: Final = 16
_KEPT_S: Final = 30.0
_LONGEST_ANSWER: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: Of HTTP.
        headers: Names in lower case.
        body: Its first 64 KiB.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Every address of a host, as the system resolves it.

    Raises:
        OSError: It has none, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Poster:
    """Posts, and keeps connections. May be used by several threads at once.

    Args:
        tls: Whom to trust; used by this poster alone.
        timeout_s: For a whole request: resolving aside, from the connection to the answer's last byte.
        allowed: Networks that may be told although they are not of the open internet, and without TLS; None allows
            every address, for hosts that the settings themselves name.
        whom: What is told, for errors: "the webhook".
        resolve: Every address of a host.
    """

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        timeout_s: float,
        allowed: Sequence[Network] | None,
        whom: str,
        resolve: Resolve = addresses_of,
    ) -> None:
        tls.sslsocket_class = _TlsSocket
        self._tls = tls
        self._timeout_s = timeout_s
        self._allowed = allowed
        self._whom = whom
        self._resolve = resolve
        self._lock = Lock()
        self._idle: dict[tuple[str, str, int], list[tuple[float, http.client.HTTPConnection]]] = defaultdict(list)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Makes one request.

        Raises:
            Retry: The request had not left.
            Unsure: It had left, and no whole answer came.
            Refused: It may not be sent there.
        """
        place, target = self._place(url)
        ends = time.monotonic() + self._timeout_s
        connection = self._kept(place) or self._connected(place, ends)
        try:
            _set_end(connection, ends)
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            read = response.read(_LONGEST_ANSWER)
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, read)
            whole = response.isclosed() and not response.will_close
        except (OSError, http.client.HTTPException) as broken:
            connection.close()
            raise self._unsure(broken) from None
        except BaseException:
            connection.close()
            raise
        self._keep(place, connection) if whole else connection.close()
        return answer

    def close(self) -> None:
        """Closes the connections that are kept."""
        with self._lock:
            idle = [connection for some in self._idle.values() for _, connection in some]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _place(self, url: str) -> tuple[tuple[str, str, int], str]:
        """Scheme, host and port, and what is asked for there."""
        try:
            parts = urlsplit(url)
            place = (parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
        except (ValueError, KeyError):
            place = ("", "", 0)
        # Settings and routing file look at theirs: this one is of a channel of another package.
        if not place[1] or not url.isascii() or not url.isprintable() or " " in url:
            raise Refused(FailureReason.INVALID_RECIPIENT, f"the address of {self._whom} is no URL")
        return place, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _kept(self, place: tuple[str, str, int]) -> http.client.HTTPConnection | None:
        """A connection that the server has not closed since."""
        while True:
            with self._lock:
                idle = self._idle[place]
                if not idle:
                    return None
                since, connection = idle.pop()
            # What can be read before a request was sent is the server's good-bye.
            if time.monotonic() - since < _KEPT_S and not _is_readable(connection.sock):
                return connection
            connection.close()

    def _keep(self, place: tuple[str, str, int], connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle[place]
            if len(idle) < _KEPT_PER_HOST:
                idle.append((time.monotonic(), connection))
                return
        connection.close()

    def _connected(self, place: tuple[str, str, int], ends: float) -> http.client.HTTPConnection:
        scheme, host, port = place
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Retry(FailureReason.UNREACHABLE, f"the name of {self._whom}'s host cannot be resolved") from None
        self._check(addresses, is_secure=scheme == "https")
        try:
            plain = self._dialled(addresses, port, ends)
            connection = http.client.HTTPConnection(host, port)
            connection.sock = plain
            if scheme == "https":
                plain.settimeout(max(ends - time.monotonic(), 0.001))
                connection.sock = self._tls.wrap_socket(plain, server_hostname=host)
            connection.auto_open = 0  # to nothing but what was looked at
        except TimeoutError:
            raise Retry(FailureReason.TIMEOUT, f"{self._whom} did not take the connection in time") from None
        except ssl.SSLError:
            raise Retry(FailureReason.TLS_ERROR, f"no trusted TLS connection to {self._whom}") from None
        except OSError:
            raise Retry(FailureReason.UNREACHABLE, f"{self._whom} takes no connection") from None
        return connection

    def _check(self, addresses: Sequence[str], *, is_secure: bool) -> None:
        """Every address: which of them a connection would go to, is anybody's guess."""
        if self._allowed is None:
            return
        for address in addresses:
            why = refusal(address, self._allowed)
            if why is not None:
                raise Refused(FailureReason.ADDRESS_REFUSED, f"{self._whom}'s host has an address that is {why}")
            if not is_secure and not is_allowed(address, self._allowed):
                raise Refused(FailureReason.ADDRESS_REFUSED, f"{self._whom} is to be told without TLS: write https")

    def _dialled(self, addresses: Sequence[str], port: int, ends: float) -> _Socket:
        failure: OSError = OSError("no address")
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            dialled = _Socket(family, socket.SOCK_STREAM)
            try:
                dialled.settimeout(max(ends - time.monotonic(), 0.001))
                dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                dialled.connect((address, port))
            except OSError as refused:
                dialled.close()
                failure = refused
            else:
                return dialled
        raise failure

    def _unsure(self, broken: Exception) -> Unsure:
        if isinstance(broken, TimeoutError):
            return Unsure(FailureReason.TIMEOUT, f"{self._whom} did not answer in time")
        return Unsure(FailureReason.UNREACHABLE, f"the connection to {self._whom} broke ({broken.__class__.__name__})")


class _Ending:
    """A socket whose every wait ends at the same moment: a time-out for each read would let an answer trickle."""

    ends: float

    def left(self) -> float:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Socket(socket.socket, _Ending):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.left())
        return super().sendall(*args, **kwargs)


class _TlsSocket(ssl.SSLSocket, _Ending):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.left())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(self.left())
        return super().sendall(*args, **kwargs)


def _is_readable(open_socket: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(open_socket, select.POLLIN)
    return bool(waiting.poll(0))


def _set_end(connection: http.client.HTTPConnection, ends: float) -> None:
    assert isinstance(connection.sock, _Ending)
    connection.sock.ends = ends
