"""The client's timeouts: in an order that exactly-once needs, whatever of them is set (pure).

A record is given up on before its transaction, so that a batch ends by our decision; a transaction ends before its
worker's session does, so that a successor never meets an open one; and a session ends before the poll interval, so
that slow is told from gone. What is set stands. What is not set makes room for it: a shorter session has a shorter
transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TRANSACTION_TIMEOUT: Final = "transaction.timeout.ms"
MESSAGE_TIMEOUT: Final = "message.timeout.ms"
SESSION_TIMEOUT: Final = "session.timeout.ms"
POLL_INTERVAL: Final = "max.poll.interval.ms"

_TRANSACTION_MS: Final = 10_000
_SESSION_MS: Final = 15_000
_POLL_MS: Final = 60_000
_COMMIT_BUDGET_S: Final = 20.0
_ABORT_BUDGET_S: Final = 10.0
# Longer than anything that a healthy loop waits for between two signs of life, a commit and its abort included.
_STUCK_AFTER_S: Final = 40.0


@dataclass(frozen=True)
class Timeouts:
    """All of them.

    Attributes:
        message_ms: A record that the broker has not acknowledged fails its transaction.
        transaction_ms: The broker aborts a transaction that is open for longer.
        session_ms: The broker takes the partitions of a member that it has not heard of for so long.
        poll_ms: The client leaves the group where the loop has not polled for so long.
    """

    message_ms: int
    transaction_ms: int
    session_ms: int
    poll_ms: int

    @property
    def commit_s(self) -> float:
        """Seconds for a whole commit, retries included.

        Above the transaction timeout, so that a broker that is back in time is not given up on; with the abort
        below the poll interval, so that the group does not expel the worker.
        """
        return min(_COMMIT_BUDGET_S, self.poll_ms / 1000 / 2)

    @property
    def abort_s(self) -> float:
        """Seconds for an abort."""
        return min(_ABORT_BUDGET_S, self.poll_ms / 1000 / 4)

    @property
    def stuck_s(self) -> float:
        """Seconds after which a loop that has not turned will not turn again."""
        return min(_STUCK_AFTER_S, self.poll_ms / 1000 * 0.9)


def timeouts(properties: Mapping[str, object]) -> Timeouts:
    """Those that are set, and defaults that fit below them.

    Args:
        properties: librdkafka's, as the user set them. One that is no number is librdkafka's to refuse.
    """
    poll = _number(properties, POLL_INTERVAL, _POLL_MS)
    session = _number(properties, SESSION_TIMEOUT, min(_SESSION_MS, poll))
    transaction = _number(properties, TRANSACTION_TIMEOUT, min(_TRANSACTION_MS, session * 2 // 3))
    return Timeouts(_number(properties, MESSAGE_TIMEOUT, transaction), transaction, session, poll)


def disorder(given: Timeouts) -> list[str]:
    """What breaks the order, in words; empty where nothing does."""
    found = []
    if given.message_ms > given.transaction_ms:
        found.append(
            f"{MESSAGE_TIMEOUT} {given.message_ms} is above {TRANSACTION_TIMEOUT} {given.transaction_ms}: "
            "records would outlive their transaction"
        )
    if given.transaction_ms >= given.session_ms:
        found.append(
            f"{TRANSACTION_TIMEOUT} {given.transaction_ms} is not below {SESSION_TIMEOUT} {given.session_ms}: "
            "a worker's successor would meet its open transaction"
        )
    if given.transaction_ms >= given.poll_ms:
        found.append(
            f"{TRANSACTION_TIMEOUT} {given.transaction_ms} is not below {POLL_INTERVAL} {given.poll_ms}: "
            "a worker that the group has given up on could still have one open"
        )
    if given.session_ms > given.poll_ms:
        found.append(
            f"{SESSION_TIMEOUT} {given.session_ms} is above {POLL_INTERVAL} {given.poll_ms}: "
            "a slow worker could not be told from one that is gone"
        )
    return found


def _number(properties: Mapping[str, object], name: str, default: int) -> int:
    try:
        return int(str(properties[name]))
    except (KeyError, ValueError):
        return default
