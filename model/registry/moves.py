"""Who became champion or challenger when, and why: a log that only grows, with a pointer to each role's last entry.

A move has happened once its entry is in the log, which only one of several at once can write. The pointers spare the
reading of a long log; where one is behind, because somebody was interrupted, the entries after it tell.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal

import msgspec

from model.errors import Mendable
from model.registry.store import Store
from model.versions.gate import Comparison
from model.versions.manifest import Sha256, Version

Role = Literal["champion", "challenger"]

_ENTRY: Final = re.compile(r"(\d{6,})\.json")


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version's taking of a role.

    Attributes:
        action: A promotion and a rollback make a champion, a challenge a challenger.
        name: Of the model.
        version: That takes the role.
        digest: Of its manifest.
        sequence: The entry's number in the log, from 1.
        previous: The version that had the role.
        at: When, with a zone.
        by_force: Whether it was done without or against a comparison.
        reason: As a person gave it.
        comparison: With the champion of then.
    """

    action: Literal["promote", "rollback", "challenge"]
    name: str
    version: Version
    digest: Sha256
    sequence: int
    previous: Version | None
    at: datetime
    by_force: bool = False
    reason: str | None = None
    comparison: Comparison | None = None

    @property
    def role(self) -> Role:
        """What the version becomes."""
        return "challenger" if self.action == "challenge" else "champion"


class MovedMeanwhile(Mendable):
    """Somebody else's move came first."""


class RegistryDamaged(Mendable):
    """A file of the registry's own that was altered or is lost."""


class Moves:
    """The log of one model.

    Args:
        store: Holds it.
        name: The model's.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def sequence(self) -> int:
        """The last entry's number; 0 without one.

        Raises:
            RegistryDamaged: An entry before it is lost.
        """
        found = self._store.children(f"{self._name}/history/")
        numbers = sorted(int(match[1]) for name in found if (match := _ENTRY.fullmatch(name)))
        if numbers != list(range(1, len(numbers) + 1)):
            raise self._damaged("history", "has lost entries")
        return len(numbers)

    def all(self) -> list[Move]:
        """The whole log, the oldest entry first.

        Raises:
            RegistryDamaged: An entry was altered or is lost.
        """
        return [self._entry(number) for number in range(1, self.sequence() + 1)]

    def current(self, role: Role) -> Move | None:
        """The last move into a role; None before the first.

        Raises:
            RegistryDamaged: The pointer or an entry was altered or is lost.
        """
        key = f"{role}.json"
        content = self._store.read(f"{self._name}/{key}")
        pointer = None if content is None else self._decoded(content, key)
        known = 0 if pointer is None else pointer.sequence
        last = self.sequence()
        if known > last or (pointer is not None and (pointer.role != role or self._entry(known) != pointer)):
            raise self._damaged(key, "says something else than the history")
        later = (self._entry(number) for number in range(last, known, -1))
        return next((move for move in later if move.role == role), pointer)

    def append(self, move: Move) -> None:
        """Makes a move.

        Raises:
            MovedMeanwhile: There is an entry of this number already.
        """
        content = msgspec.json.format(msgspec.json.encode(move), indent=2) + b"\n"
        if not self._store.create(f"{self._name}/{_entry_key(move.sequence)}", content):
            first = self._entry(move.sequence)
            raise MovedMeanwhile(
                f"model {self._name!r}: somebody else's {first.action} of version {first.version} came first "
                f"(entry {first.sequence} of the history)",
                remedy=f"look at it with `fraud models show {self._name}`, and try again if you still want to",
            )
        self._store.replace(f"{self._name}/{move.role}.json", content)

    def _entry(self, number: int) -> Move:
        key = _entry_key(number)
        content = self._store.read(f"{self._name}/{key}")
        if content is None:
            raise self._damaged(key, "is lost")
        move = self._decoded(content, key)
        if move.sequence != number:
            raise self._damaged(key, f"is entry {move.sequence}")
        return move

    def _decoded(self, content: bytes, key: str) -> Move:
        try:
            move = msgspec.json.decode(content, type=Move)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self._damaged(key, "is cut off or was altered") from None
        if move.name != self._name:
            raise self._damaged(key, f"is of model {move.name!r}")
        return move

    def _damaged(self, key: str, what: str) -> RegistryDamaged:
        return RegistryDamaged(
            f"'{self._store.where}/{self._name}/{key}' {what}",
            remedy="restore it from a backup, and find out who wrote to the registry",
        )


def champions(moves: list[Move]) -> list[str]:
    """The versions that a rollback goes back through, the present champion last: a rollback takes off the last."""
    versions: list[str] = []
    for move in moves:
        if move.action == "promote":
            versions.append(move.version)
        elif move.action == "rollback":
            versions = versions[:-1]
    return versions


def _entry_key(number: int) -> str:
    return f"history/{number:06d}.json"
