"""/healthz, /readyz and /metrics over HTTP, beside the loop and never in its way."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Protocol

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from stream.errors import Mendable
from stream.pages import LONGEST_BODY, Answer, Asked, Pages
from stream.settings import HttpSettings

log = structlog.get_logger()

# Longer than any turn of a healthy loop, commit budget included; shorter than the poll interval.
STALE_AFTER_S: Final = 55.0


class PortTaken(Mendable):
    """The HTTP port cannot be listened on."""


class Vitals(Protocol):
    """What the probes ask."""

    def is_healthy(self) -> bool:
        """False where only a restart helps."""

    def is_ready(self) -> bool:
        """Whether the process takes part now."""


class Health:
    """Whether the loop turns, and whether it is ready. Set by the loop's thread, read by the server's.

    Args:
        timer: Monotonic seconds.
        stale_after_s: Without a beat for as long, the process is not healthy.
    """

    def __init__(self, timer: Callable[[], float] = time.monotonic, stale_after_s: float = STALE_AFTER_S) -> None:
        self._timer = timer
        self._stale_after_s = stale_after_s
        self._beat: float | None = None
        self._beats = 0
        self._ready = False

    def beat(self) -> None:
        """The loop turned."""
        self._beat = self._timer()
        self._beats += 1

    @property
    def beats(self) -> int:
        """How often the loop has turned."""
        return self._beats

    def ready(self, is_ready: bool) -> None:
        """Whether the process takes part: model loaded, broker reached, member of its group."""
        self._ready = is_ready

    def is_healthy(self) -> bool:
        """False once the loop has stood still: a restart is due. An outage elsewhere never makes it false."""
        return self._beat is None or self._timer() - self._beat < self._stale_after_s

    def is_ready(self) -> bool:
        """Whether the process takes part now."""
        return self._ready and self.is_healthy()


@contextmanager
def serving(
    http: HttpSettings,
    health: Vitals,
    registry: CollectorRegistry,
    *,
    default_port: int = 0,
    pages: Pages = lambda _: None,
) -> Iterator[int]:
    """Answers over HTTP while the block runs.

    Args:
        http: Where.
        health: Asked for /healthz and /readyz.
        registry: Shown at /metrics.
        default_port: Where the settings name none.
        pages: What is answered besides.

    Yields:
        The port that is listened on.

    Raises:
        PortTaken: Another process listens there, or it may not be listened on.
    """
    wanted = default_port if http.port is None else http.port
    try:
        server = _Server((http.host, wanted), _handler(health, registry, pages))
    except OSError as refusal:
        raise PortTaken(
            f"cannot listen on {http.host}:{wanted} ({refusal.strerror})",
            remedy="set FRAUD_HTTP__PORT to a free port (0 takes any) and FRAUD_HTTP__HOST to an own address",
        ) from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="http", daemon=True)
    thread.start()
    port = int(server.server_address[1])
    log.info("answering /healthz, /readyz and /metrics", host=http.host, port=port)
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A probe that hangs up in the middle is no news; anything else is a line, not a stack trace."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("answering a request failed", error=type(error).__name__)


def _probe(asked: Asked, health: Vitals, registry: CollectorRegistry) -> Answer:
    if asked.path == "/healthz":
        return Answer(200, b"ok\n") if health.is_healthy() else Answer(503, b"the loop stands still\n")
    if asked.path == "/readyz":
        return Answer(200, b"ready\n") if health.is_ready() else Answer(503, b"not ready\n")
    if asked.path == "/metrics":
        encode, content_type = choose_encoder(asked.headers.get("accept", ""))
        return Answer(200, encode(registry), content_type)
    return Answer(404, b"try /healthz, /readyz or /metrics\n")


def _handler(health: Vitals, registry: CollectorRegistry, pages: Pages) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10.0  # seconds: a client that says nothing keeps no thread

        def do_GET(self) -> None:
            asked = self._asked(b"")
            self._say(pages(asked) or _probe(asked, health, registry))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()) or int(length[:9]) > LONGEST_BODY:
                self.close_connection = True
                self._say(Answer(413, b"the body is too long, or does not say how long it is\n"))
                return
            asked = self._asked(self.rfile.read(int(length)))
            self._say(pages(asked) or Answer(404, b"nothing is taken here\n"))

        def _asked(self, body: bytes) -> Asked:
            headers = {name.lower(): value for name, value in self.headers.items()}
            return Asked(self.command, self.path, headers, body)

        def _say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Probes come every few seconds: they are not news."""

    return Handler
