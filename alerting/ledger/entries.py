"""The ledger's wire: what stands in topic `alerts.ledger`, typed and versioned.

A record's key is `delivery/<notice id>`, `group/<group id>` or `confirmation/<notice id>`, its value one of these; the
last of a key counts.
Partition n holds what came of partition n of the verdicts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from stream.contracts import Instant, Source, Verdict

# How the name of a replay ends: what it has begun is its own, or the next replay's, and no worker's.
REPLAY: Final = "-replay"


class State(StrEnum):
    """Where a notice is on its way."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    AMBIGUOUS = "ambiguous"
    PARKED = "parked"
    DEAD = "dead"


class Held(StrEnum):
    """Why a notice is parked."""

    GROUP = "group"
    LIMIT = "limit"
    STORM = "storm"
    SILENCE = "silence"
    ACKNOWLEDGED = "acknowledged"
    BLOCKED = "blocked"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a digest, as it is listed."""

    alert_id: str
    transaction_id: str
    account: Annotated[str | None, Meta(description="Masked")]
    event_time: Instant
    amount: float | None
    currency: str | None
    fraud_probability: float
    severity: str


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that wait to be told of together, counted exactly."""

    count: int = 0
    sums: Annotated[dict[str, str], Meta(description="Exact decimal sum of each currency; '' where none is known")] = {}
    without_amount: int = 0
    severities: Annotated[dict[str, int], Meta(description="How many of each")] = {}
    first: Instant | None = None
    last: Instant | None = None
    strongest: Annotated[tuple[Line, ...], Meta(description="By probability, then amount; 5 at most")] = ()


class Delivery(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="delivery"):
    """One notice to one recipient on one channel."""

    id: str
    alert_id: Annotated[str, Meta(description="Of the alert, or of the digest")]
    transaction_id: Annotated[str | None, Meta(description="None in a digest")]
    receiver: str
    channel: str
    recipient: Annotated[str, Meta(description="Fingerprint; the address stands nowhere")]
    template: Annotated[str, Meta(description="Which text; operator tells of a channel that stands still")]
    state: State
    attempts: int = 0
    looks: Annotated[int, Meta(description="How often the provider was asked whether it has it")] = 0
    by: Annotated[str | None, Meta(description="The worker, or replay, that makes the attempt")] = None
    unsure: Annotated[bool, Meta(description="An attempt may have been accepted; nobody has found out since")] = False
    created_at: Instant
    changed_at: Instant
    due_at: Annotated[Instant | None, Meta(description="No attempt before")] = None
    expires_at: Instant
    group: str | None = None
    held: Annotated[Held | None, Meta(description="Why it is parked")] = None
    digest: Annotated[str | None, Meta(description="What it is counted in: stands in a digest's `counts`")] = None
    counts: Annotated[tuple[str, ...], Meta(description="Of a digest: the `digest` of the notices that it counts")] = ()
    provider_id: str | None = None
    reason: Annotated[str | None, Meta(description="Of the last attempt that failed: FailureReason")] = None
    detail: str | None = None
    verdict: Annotated[
        Verdict | None, Meta(description="Until it is sent, parked or dead; of a digest the last that it counts")
    ] = None
    tally: Annotated[Tally | None, Meta(description="Of a digest: what it counts")] = None
    fields: Annotated[
        dict[str, str],
        Meta(description="What makes its group, account masked; to operators: which channel, why"),
    ] = {}
    source: Annotated[Source | None, Meta(description="Where the transaction stands in Kafka; None in a digest")] = None
    is_holder: Annotated[bool, Meta(description="Whether the recipient is the account's holder")] = False
    account: Annotated[
        str | None, Meta(description="What stands for the account; None in a digest of several, or where none is known")
    ] = None

    @property
    def is_replayed(self) -> bool:
        """Whether a replay is at it, or was."""
        return self.by is not None and self.by.endswith(REPLAY)


class Group(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="group"):
    """What waits for one recipient: alerts that belong together, or what a limit holds back."""

    id: str
    receiver: str
    channel: str
    recipient: Annotated[str, Meta(description="Fingerprint; the address stands nowhere")]
    of: Annotated[
        str | None, Meta(description="The receiver's group, which answers are about; None for what a limit holds back")
    ] = None
    fields: Annotated[dict[str, str], Meta(description="What makes the group; account numbers masked")]
    told_at: Annotated[Instant, Meta(description="When its last notice was decided on")]
    since: Annotated[Instant | None, Meta(description="From when what waits is counted; names its digest")] = None
    digests: Annotated[int, Meta(description="How many there were")] = 0
    waiting: Tally = Tally()
    latest: Annotated[Verdict | None, Meta(description="The last that waits: who is told, follows from it")] = None
    until: Annotated[Instant | None, Meta(description="Further alerts wait until then")] = None


class Said(StrEnum):
    """What became of a notice after its provider had taken it."""

    DELIVERED = "delivered"
    FAILED = "failed"


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry", tag="confirmation"):
    """What a provider said later of a notice that it had taken. Written by whichever worker it told."""

    id: Annotated[str, Meta(description="Of the delivery")]
    said: Said
    code: Annotated[str | None, Meta(description="The provider's, of what went wrong")] = None
    at: Instant


Entry = Delivery | Group | Confirmation
