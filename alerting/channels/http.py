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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from urllib.parse import urlsplit

from alerting.addresses import Network, is_allowed, refusal
from alerting.channels.deadline import Deadline, attempt, dialled, ending
from alerting.channels.final_answer import FinalAnswer
from alerting.channels.lookups import Lookups, Resolve, addresses_of
from alerting.delivery import FailureReason, Refused, Retry, Unsure

_KEPT_PER_HOST: Final = 16
_KEPT_S: Final = 30.0
_LONGEST_ANSWER: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}


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


class Poster:
    """Posts, and keeps connections. May be used by several threads at once.

    Args:
        tls: Whom to trust; used by this poster alone.
        timeout_s: For a whole request, from the host's name to the answer's last byte.
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
        self._tls = ending(tls)
        self._timeout_s = timeout_s
        self._allowed = allowed
        self._whom = whom
        self._lookups = Lookups(resolve)
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
        with attempt(self._timeout_s) as deadline:
            connection = self._kept(place) or self._connected(place, deadline)
            try:
                return self._posted(place, connection, target, body, headers)
            except (OSError, http.client.HTTPException) as broken:
                raise self._broken(broken, has_left=deadline.has_left) from None

    def close(self) -> None:
        """Closes the connections that are kept."""
        with self._lock:
            idle = [connection for some in self._idle.values() for _, connection in some]
            self._idle.clear()
        for connection in idle:
            connection.close()

    def _posted(
        self,
        place: tuple[str, str, int],
        connection: http.client.HTTPConnection,
        target: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> Answer:
        try:
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            read = response.read(_LONGEST_ANSWER)
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, read)
            whole = response.isclosed() and not response.will_close
        except BaseException:
            connection.close()
            raise
        self._keep(place, connection) if whole else connection.close()
        return answer

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

    def _connected(self, place: tuple[str, str, int], deadline: Deadline) -> http.client.HTTPConnection:
        scheme, host, port = place
        try:
            addresses = self._lookups.addresses(host, port, deadline)
        except TimeoutError:
            raise Retry(FailureReason.TIMEOUT, f"the name of {self._whom}'s host was not resolved in time") from None
        except (OSError, UnicodeError):
            raise Retry(FailureReason.UNREACHABLE, f"the name of {self._whom}'s host cannot be resolved") from None
        self._check(addresses, is_secure=scheme == "https")
        try:
            plain = dialled(addresses, port, deadline)
            connection = http.client.HTTPConnection(host, port)
            connection.default_port = _PORTS[scheme]  # without which http.client takes 443 for unusual
            connection.response_class = FinalAnswer
            connection.sock = plain
            if scheme == "https":
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

    def _broken(self, broken: Exception, *, has_left: bool) -> Retry | Unsure:
        kind = Unsure if has_left else Retry
        if isinstance(broken, TimeoutError):
            return kind(FailureReason.TIMEOUT, f"{self._whom} did not answer in time")
        return kind(FailureReason.UNREACHABLE, f"the connection to {self._whom} broke ({broken.__class__.__name__})")


def _is_readable(open_socket: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(open_socket, select.POLLIN)
    return bool(waiting.poll(0))
