"""The places of the scoring loop at which something may happen to it, and what may happen there: data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Client(StrEnum):
    """Whose method a point is at: what the loop reads with, scores with, and writes with."""

    CONSUMER = "consumer"
    SCORER = "scorer"
    PRODUCER = "producer"


class When(StrEnum):
    """On which side of the method the point is."""

    BEFORE = "before"
    # What the call asks for is under way when the fault comes; the call is then repeated, as its contract says.
    DURING = "during"
    AFTER = "after"


class Action(StrEnum):
    """What happens to the process."""

    KILL = "kill"  # SIGKILL
    STOP = "stop"  # SIGSTOP
    TERM = "term"  # SIGTERM
    RAISE = "raise"  # an error that nobody expects, once
    BREAK = "break"  # such an error from now on
    HANG = "hang"  # a call that does not return
    CHOKE = "choke"  # an error for batches that hold a certain amount
    STEP = "step"  # the clock goes forward by an hour, the next time back, and so on


@dataclass(frozen=True)
class Point:
    """One place of the loop, as seen from its clients.

    Attributes:
        client: Whose method.
        method: Its name.
        when: Which side of it.
        with_result: Calls that bring nothing do not count.
        first_since: Only the first call after one of this method of the same client counts; None counts all.
    """

    client: Client
    method: str
    when: When
    with_result: bool = False
    first_since: str | None = None


# In the order of the loop.
POINTS: Final[dict[str, Point]] = {
    "after-poll": Point(Client.CONSUMER, "consume", When.AFTER, with_result=True),
    "scoring": Point(Client.SCORER, "score", When.BEFORE),
    "after-score": Point(Client.PRODUCER, "begin_transaction", When.BEFORE),
    "after-begin": Point(Client.PRODUCER, "begin_transaction", When.AFTER),
    "after-first-produce": Point(Client.PRODUCER, "produce", When.AFTER, first_since="begin_transaction"),
    "after-last-produce": Point(Client.PRODUCER, "flush", When.BEFORE),
    "after-flush": Point(Client.PRODUCER, "flush", When.AFTER),
    "after-offsets": Point(Client.PRODUCER, "send_offsets_to_transaction", When.AFTER),
    "before-commit": Point(Client.PRODUCER, "commit_transaction", When.BEFORE),
    "during-commit": Point(Client.PRODUCER, "commit_transaction", When.DURING),
    "after-commit": Point(Client.PRODUCER, "commit_transaction", When.AFTER),
}

# The amount at which a choking scorer raises its error.
INDIGESTIBLE_AMOUNT: Final = 666.5
