"""A broker of a test's own, and the network to it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from demo.kafka.local import LocalKafka
from tests.harness.tcp_proxy import TcpProxy


@dataclass(frozen=True)
class HurtBroker:
    """What may be done to them; whoever does it undoes it.

    Attributes:
        broker: Answers at `broker.bootstrap` without the network between, for who counts.
        network: What workers go through, at `network.address`.
    """

    broker: LocalKafka
    network: TcpProxy

    def freeze(self) -> None:
        """SIGSTOP: connections stay, and nobody answers."""
        os.kill(self.broker.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.broker.pid, signal.SIGCONT)
