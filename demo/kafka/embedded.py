"""librdkafka's built-in test cluster: a broker inside this process that others reach over TCP."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from confluent_kafka import Producer

_TIMEOUT_S: Final = 10.0


class EmbeddedBroker:
    """One mock broker on a free port of 127.0.0.1, from construction to `stop`.

    For a first look, not for a promise: it stores no transactional offsets, hides no aborted records, fences
    nobody, makes topics only on first use (four partitions each) and keeps about 5 MB of each. It lives in
    librdkafka's threads, so it is there as long as this process is.

    Attributes:
        bootstrap: Where it answers, as host:port.
    """

    def __init__(self) -> None:
        self._cluster: Producer | None = Producer(
            {"test.mock.num.brokers": 1}, logger=logging.getLogger("librdkafka.embedded")
        )
        brokers = self._cluster.list_topics(timeout=_TIMEOUT_S).brokers.values()
        self.bootstrap: Final = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def make_topics(self, names: Iterable[str]) -> None:
        """Uses each topic once, which is how they come to be; asking for them by an admin client hangs.

        Raises:
            RuntimeError: The broker was stopped.
        """
        if self._cluster is None:
            raise RuntimeError("the embedded broker was stopped")
        for name in names:
            self._cluster.list_topics(name, timeout=_TIMEOUT_S)

    def stop(self) -> None:
        """Closes the port and forgets every record; a second time does nothing."""
        self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
