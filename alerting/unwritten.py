"""What was decided and is not written yet: entries, dead letters, and who wants nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerting.dead_letters import lost_letter
from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, State
from alerting.ledger.writing import records_of
from alerting.policies import Lost, Stopped
from alerting.silences import record_of_silence, silence_of
from stream.records import Outgoing


@dataclass(frozen=True, slots=True)
class Destined:
    """The topics that decisions go to.

    Attributes:
        ledger: What became of notices.
        dead_letters: Notices that reached nobody, and records that are no verdicts.
        silences: Who wants nothing more.
    """

    ledger: str
    dead_letters: str
    silences: str


class Unwritten:
    """Decisions between two writes. Used by one thread.

    Args:
        topics: Where they go.
    """

    def __init__(self, topics: Destined) -> None:
        self._topics = topics
        self._changes: dict[tuple[int, str], Change] = {}
        self._letters: list[Outgoing] = []
        self._stopped: list[Stopped] = []

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._changes or self._letters or self._stopped)

    @property
    def changes(self) -> Sequence[Change]:
        """Entries, each as it is now."""
        return list(self._changes.values())

    def add(self, changes: Iterable[Change], lost: Iterable[Lost], stopped: Iterable[Stopped]) -> None:
        """What was decided since; an entry's later state takes the place of an earlier one."""
        self._changes |= {(one.partition, one.key): one for one in changes}
        self._letters += [lost_letter(one, topic=self._topics.dead_letters) for one in lost]
        self._stopped += stopped

    def add_letter(self, letter: Outgoing) -> None:
        """A record that is no verdict."""
        self._letters.append(letter)

    def records(self) -> list[Outgoing]:
        """All of it, to be written in one transaction."""
        silences = [record_of_silence(silence_of(one), topic=self._topics.silences) for one in self._stopped]
        return [*records_of(self._changes.values(), topic=self._topics.ledger), *self._letters, *silences]

    def written(self) -> None:
        """All of it is."""
        self._changes, self._letters, self._stopped = {}, [], []

    def keep_facts(self) -> list[Delivery]:
        """Leaves out what whoever has a partition now decides anew, and keeps what happened; what was sent."""
        self._letters = []
        self._changes = {place: one for place, one in self._changes.items() if _was_sent(one)}
        return [one.entry for one in self._changes.values() if isinstance(one.entry, Delivery)]


def _was_sent(change: Change) -> bool:
    return isinstance(change.entry, Delivery) and change.entry.state is State.SENT
