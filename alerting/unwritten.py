"""What was decided and is not written yet: entries, dead letters, and who wants nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from alerting.dead_letters import lost_letter
from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, Entry, State
from alerting.ledger.writing import records_of
from alerting.notices import OPERATOR
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

    def facts(self) -> list[Change]:
        """What happened, whoever decides from now on: what was sent, and what operators are to hear."""
        facts = ((change, _fact(change.entry)) for change in self._changes.values())
        return [Change(change.partition, change.key, fact) for change, fact in facts if fact is not None]

    def keep_facts(self) -> None:
        """Leaves out what whoever has a partition now decides anew."""
        self._letters = []
        self._changes = {(one.partition, one.key): one for one in self.facts()}


def _fact(entry: Entry | None) -> Delivery | None:
    if not isinstance(entry, Delivery):
        return None
    if entry.template == OPERATOR and entry.state is State.SENDING:
        # It was not begun: that is written down first.
        return replace(entry, state=State.PENDING, attempts=entry.attempts - 1, due_at=entry.changed_at)
    return entry if entry.state is State.SENT or entry.template == OPERATOR else None
