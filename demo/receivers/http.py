"""An HTTP server on a thread that passes each request to a function and obeys a script of faults."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from demo.receivers.script import Fault, Script

_LONGEST_BODY: Final = 1024 * 1024
_IDLE_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        method: GET, POST, ...
        path: With the query.
        headers: By lower-case name.
        body: As sent.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP's.
        body: Bytes as they are; anything else becomes JSON.
        headers: Besides type and length.
    """

    status: int
    body: bytes | Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpServer:
    """Serves until it is closed.

    Args:
        respond: What is answered to a request.
        refuse: What is answered to a request that the script treats badly.
        host: Where to listen.
        port: 0 takes a free one.
        tls: Serves https with this certificate.

    Attributes:
        script: Faults still to come.
        url: Where it listens, without a path.
    """

    def __init__(
        self,
        respond: Callable[[Request], Reply],
        refuse: Callable[[Fault], Reply],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script: Final = Script()
        self._released = threading.Event()
        self._server = ThreadingHTTPServer((host, port), _handler(respond, refuse, self.script, self._released))
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url: Final = f"{'https' if tls else 'http'}://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answers no more; what the script holds back ends now."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Speaker(BaseHTTPRequestHandler):
    """Reads requests and writes answers."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_TIMEOUT_S
    # An answer leaves in one piece: in two, the second would wait for the first's acknowledgement.
    wbufsize = -1

    def request_of(self, method: str) -> Request:
        length = min(int(self.headers.get("Content-Length", "0")), _LONGEST_BODY)
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(method, self.path, headers, self.rfile.read(length))

    def answer(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client has stopped waiting

    def log_message(self, *_: object) -> None:
        """Paths and headers may hold what is nobody's business."""


def _handler(
    respond: Callable[[Request], Reply],
    refuse: Callable[[Fault], Reply],
    script: Script,
    released: threading.Event,
) -> type[BaseHTTPRequestHandler]:
    class Handler(_Speaker):
        def do_GET(self) -> None:
            self.answer(respond(self.request_of("GET")))

        def do_POST(self) -> None:
            request = self.request_of("POST")
            fault = script.next()
            if fault is None:
                self.answer(respond(request))
                return
            self._treat_badly(request, fault)

        def _treat_badly(self, request: Request, fault: Fault) -> None:
            released.wait(fault.hold_s)
            if fault.taken:
                respond(request)
            self.close_connection |= fault.drop
            if not fault.drop:
                self.answer(_bad(fault, refuse(fault)))

    return Handler


def _bad(fault: Fault, reply: Reply) -> Reply:
    named = {"Retry-After": fault.retry_after, "Location": fault.location}
    added = {name: value for name, value in named.items() if value is not None}
    return Reply(reply.status, reply.body if fault.body is None else fault.body, added)
