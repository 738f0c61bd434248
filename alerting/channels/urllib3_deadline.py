"""urllib3's connections, whose waits end with the attempt: for SDKs that speak HTTP through it."""

from __future__ import annotations

import socket
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from alerting.channels.deadline import current, dialled, ending
from alerting.channels.final_answer import FinalAnswer
from alerting.channels.lookups import SYSTEM

# Outside of an attempt nothing is connected to; should an SDK do so, it does not wait for ever.
_OTHERWISE_S: Final = 10.0


class _Connection(HTTPConnection):
    """Connects within the attempt's time, resolving included."""

    response_class = FinalAnswer

    def _new_conn(self) -> socket.socket:
        deadline = current(_OTHERWISE_S)
        host, port = self.host.strip("[]"), self.port or self.default_port
        try:
            return dialled(SYSTEM.addresses(host, port, deadline), port, deadline)
        except socket.gaierror as unknown:
            raise NameResolutionError(self.host, self, unknown) from unknown
        except TimeoutError as late:
            raise ConnectTimeoutError(self, "not in time") from late
        except (OSError, UnicodeError) as refused:
            raise NewConnectionError(self, type(refused).__name__) from refused


class _TlsConnection(_Connection, HTTPSConnection):
    """The same with TLS."""

    def connect(self) -> None:
        """As urllib3's."""
        # Where it has none, urllib3 would make one just like it.
        self.ssl_context = ending(self.ssl_context or create_urllib3_context())
        super().connect()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS: Final = {"http": _Pool, "https": _TlsPool}
"""For `PoolManager.pool_classes_by_scheme`."""
