"""A webhook's receiver that costs next to nothing: it takes everything, and knows when what came."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import time
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, Self

import urllib3

_TAKEN: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class Receiving:
    """A process of its own that answers every POST with 200, and a GET with what came: transaction to time."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        parent, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(child,), daemon=True)
        self._process.start()
        self._port: Final[int] = parent.recv()

    @property
    def url(self) -> str:
        """Where events are sent."""
        return f"http://127.0.0.1:{self._port}/fraud"

    def arrivals(self) -> dict[str, float]:
        """Seconds since 1970-01-01 UTC at which each transaction's event came first."""
        found: dict[str, float] = urllib3.request("GET", self.url, timeout=30.0).json()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()


def _serve(told: Connection) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_listen(told))


async def _listen(told: Connection) -> None:
    arrivals: dict[str, float] = {}

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                if head.startswith("get"):
                    body = json.dumps(arrivals).encode()
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
                    )
                    break
                length = int(head.partition("content-length:")[2].partition("\r\n")[0])
                event = json.loads(await reader.readexactly(length))
                arrivals.setdefault(event["data"].get("transaction_id", ""), time.time())
                writer.write(_TAKEN)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
