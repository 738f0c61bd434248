"""Whom an alert is for: recipients on channels, and how the alerts that they get are grouped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grouping:
    """How alerts for one receiver become one notice.

    Attributes:
        by: Fields whose values make a group; none makes one group of all.
        interval_s: Further alerts of a group within so many seconds of its last notice become one digest.
    """

    by: tuple[str, ...] = ("account_id",)
    interval_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody on a channel.

    Attributes:
        address: Number, mail address, URL or ARN: personal data, not for logs, metrics, errors or the ledger.
        locale: Language of what is said.
        options: What the channel wants besides, such as the name of the secret that signs.
    """

    address: str = field(repr=False)
    locale: str = "en"
    options: Mapping[str, str] = field(default_factory=dict)

    def fingerprint(self, channel: str) -> str:
        """Stands for the address where that must not be seen: 16 hexadecimal digits."""
        return hashlib.sha256(f"{channel}\0{self.address}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Destination:
    """One recipient of an alert, and why.

    Attributes:
        receiver: Named in the routing file.
        channel: Its name.
        recipient: Who.
        template: Which text: analyst or holder.
        grouping: Of the route.
        route: Where the route stands in the tree, such as `route/routes/1`.
        is_holder: Whether it is the account's holder.
    """

    receiver: str
    channel: str
    recipient: Recipient
    template: str
    grouping: Grouping
    route: str
    is_holder: bool = False
