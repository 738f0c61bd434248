"""Channels of other packages, each wrong in a way of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from alerting.destinations import Recipient
from alerting.messages import Message


class Fitting:
    """Whoever wrote it knows the policies by their words."""

    name = "teams"
    at_once: Any = 4
    when_unsure: Any = "send again"
    one_provider: Any = True

    def __init__(self, section: Mapping[str, Any]) -> None:
        self.section = section

    def deliver(self, message: Message, recipient: Recipient) -> Any:  # noqa: ARG002
        return message.id

    def find(self, message: Message, recipient: Recipient) -> Any:  # noqa: ARG002
        return None

    def close(self) -> None:
        pass


class Misnamed(Fitting):
    name = "msteams"


class Idle(Fitting):
    at_once = 0


class Many(Fitting):
    at_once = "8"


class Undecided(Fitting):
    when_unsure = "perhaps"


class Vague(Fitting):
    one_provider = None


class Frozen(Fitting):
    """Its policy is a word that cannot be put right."""

    @property
    def when_unsure(self) -> str:
        return "hold"


class Mute(Fitting):
    deliver = None  # type: ignore[assignment]


class Bare:
    def __init__(self, section: Mapping[str, Any]) -> None:  # noqa: ARG002
        self.name = "teams"


class Secretive(Fitting):
    @property
    def at_once(self) -> int:
        raise RuntimeError(self.section["token"])


def nothing(section: Mapping[str, Any]) -> None:
    """Forgets what it made."""


def leaves(section: Mapping[str, Any]) -> NoReturn:
    sys.exit(section["token"])
