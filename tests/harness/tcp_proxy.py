"""A network of our own between a client and a broker: it delays, stands still, cuts, and loses what it is told to."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import Enum, IntEnum
from types import TracebackType
from typing import Any, Final, Self

from demo.ports import LOOPBACK, free_ports

_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER for no time at all: what is closed is reset
_CALL_TIMEOUT_S: Final = 10.0


class Request(IntEnum):
    """Kafka's requests, by the number that each begins with."""

    PRODUCE = 0
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


class Loss(Enum):
    """What is lost of a request; with it goes its connection."""

    REQUEST = "the broker never hears of it"
    ANSWER = "the broker does it, and nobody learns so"


class TcpProxy:
    """Takes connections on 127.0.0.1 and hands on what comes, in a thread of its own while the block runs.

    Both directions are Kafka's: frames of four bytes of length and as much content, handed on whole.

    Args:
        target: The port of 127.0.0.1 to hand on to.
        port: Where to listen; None takes a free one.

    Attributes:
        address: Where it listens, as host:port.
    """

    def __init__(self, target: int, *, port: int | None = None) -> None:
        self._target = target
        self._port = port or free_ports(1)[0]
        self.address: Final = f"{LOOPBACK}:{self._port}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._delay_s = (0.0, 0.0)
        self._losing: tuple[Request, Loss] | None = None
        self._then_stands_still = False
        self._lost = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def heal(self) -> None:
        """Takes connections and hands on everything, at once."""
        self._do(self._healed())

    def cut(self) -> None:
        """Resets all connections; new ones are taken."""
        self._do(self._cut_all())

    def refuse(self) -> None:
        """Resets all connections and takes none, until `heal`."""
        self._do(self._refused())

    def black_hole(self) -> None:
        """Keeps connections, takes new ones, and hands nothing on, until `heal`: then comes what was held back."""
        self._do(self._standing_still())

    def delay(self, there_s: float, back_s: float) -> None:
        """Hands on every frame so many seconds late, to the broker and from it, until `heal`."""
        self._delay_s = (there_s, back_s)

    def half_close(self) -> None:
        """Tells clients on all connections that no more will come, while what they send is still handed on."""
        self._do(self._half_closed())

    def lose(self, request: Request, loss: Loss, *, then_black_hole: bool = False) -> threading.Event:
        """Loses the next request of a kind, or its answer, and the connection with it.

        Args:
            request: Its kind.
            loss: What of it.
            then_black_hole: Nothing is handed on after that, until `heal`.

        Returns:
            Set once it is lost.
        """
        lost = threading.Event()
        self._lost, self._then_stands_still, self._losing = lost, then_black_hole, (request, loss)
        return lost

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_CALL_TIMEOUT_S)

    async def _healed(self) -> None:
        self._delay_s = (0.0, 0.0)
        self._losing = None
        self._passing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accepted, LOOPBACK, self._port)

    async def _cut_all(self) -> None:
        for link in list(self._links):
            link.cut()

    async def _refused(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut_all()

    async def _standing_still(self) -> None:
        self._passing.clear()

    async def _half_closed(self) -> None:
        for link in self._links:
            link.half_close()

    async def _end(self) -> None:
        await self._refused()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            broker = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            _reset(writer)
            return
        link = _Link(reader, writer, *broker)
        self._links.add(link)
        try:
            directions = [asyncio.ensure_future(self._there(link)), asyncio.ensure_future(self._back(link))]
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
        finally:
            self._links.discard(link)
            link.cut()

    async def _there(self, link: _Link) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(link.client_reader)
                request = int.from_bytes(frame[4:6])
                if self._losing is not None and request == self._losing[0]:
                    loss, self._losing = self._losing[1], None
                    if loss is Loss.REQUEST:
                        self._is_lost()
                        return
                    link.answer_to_lose = frame[8:12]
                await self._hand_on(frame, link.broker_writer, self._delay_s[0])

    async def _back(self, link: _Link) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                frame = await _frame(link.broker_reader)
                if frame[4:8] == link.answer_to_lose:
                    self._is_lost()
                    return
                if not link.half_closed:
                    await self._hand_on(frame, link.client_writer, self._delay_s[1])

    async def _hand_on(self, frame: bytes, writer: asyncio.StreamWriter, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._passing.wait()
        writer.write(frame)
        await writer.drain()

    def _is_lost(self) -> None:
        if self._then_stands_still:
            self._passing.clear()
        self._lost.set()


class _Link:
    """One connection of a client, and its own one to the broker."""

    def __init__(
        self,
        client_reader: asyncio.StreamReader,
        client_writer: asyncio.StreamWriter,
        broker_reader: asyncio.StreamReader,
        broker_writer: asyncio.StreamWriter,
    ) -> None:
        self.client_reader = client_reader
        self.client_writer = client_writer
        self.broker_reader = broker_reader
        self.broker_writer = broker_writer
        # The number by which a request's answer is known (its correlation id).
        self.answer_to_lose: bytes | None = None
        self.half_closed = False

    def cut(self) -> None:
        """Resets both connections."""
        _reset(self.client_writer)
        _reset(self.broker_writer)

    def half_close(self) -> None:
        """Ends what goes to the client."""
        self.half_closed = True
        with suppress(OSError):
            self.client_writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head))
