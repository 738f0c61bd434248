"""Notices and their groups as entries of the ledger: ids, and what a new one says (pure)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from alerting.alert import Alert
from alerting.delivery import FailureReason, Refused
from alerting.destinations import Destination, Grouping, Recipient
from alerting.ledger.entries import Delivery, Group, Held, State, Tally
from alerting.policies import Routes
from alerting.routing.tree import Untold
from alerting.text import masked_fields
from stream.contracts import Verdict

ACCOUNT: Final = "account_id"

# Of a notice that tells operators of a channel that stands still, instead of anybody of a fraud.
OPERATOR: Final = "operator"

_NAMESPACE: Final = uuid.UUID("0d6e3c52-6d0c-5f0a-9a61-0a4d5d9b7c11")


def notice(
    about: str, verdict: Verdict, destination: Destination, *, group: str | None, now: datetime, expires_at: datetime
) -> Delivery:
    """What is to be told to one recipient, not yet begun.

    Args:
        about: Id of the alert or digest.
        verdict: The fraud; of a digest the last.
        destination: Who.
        group: Its id.
        now: When it is decided on.
        expires_at: It serves nobody later.
    """
    channel, recipient = destination.channel, destination.recipient.fingerprint(destination.channel)
    return Delivery(
        id=notice_id(about, destination.receiver, channel, recipient),
        alert_id=about,
        transaction_id=verdict.transaction_id,
        receiver=destination.receiver,
        channel=channel,
        recipient=recipient,
        template=destination.template,
        state=State.PENDING,
        created_at=now,
        changed_at=now,
        due_at=now,
        expires_at=expires_at,
        group=group,
        verdict=verdict,
        source=verdict.source,
        is_holder=destination.is_holder,
    )


def notice_of_alert(
    alert: Alert, destination: Destination, mark: Callable[[str], str] | None, *, now: datetime, expires_at: datetime
) -> Delivery:
    """The notice of one alert, with what makes its group, and what stands for its account where alerts are answered."""
    verdict, grouping = alert.verdict, destination.grouping
    group = group_id(destination.receiver, grouping, alert)
    alone = notice(alert.id, verdict, destination, group=group, now=now, expires_at=expires_at)
    account = None if mark is None or verdict.account_id is None else mark(verdict.account_id)
    return replace(alone, fields=shown_fields(grouping, alert), account=account)


def unreachable(alert: Alert, untold: Untold, now: datetime) -> Delivery:
    """What would have been told to an account's holder of whom no address is known."""
    failure = Refused(FailureReason.NO_ADDRESS, f"nobody knows where to reach the account's holder ({untold.reason})")
    return Delivery(
        id=notice_id(alert.id, untold.receiver, untold.channel, ""),
        alert_id=alert.id,
        transaction_id=alert.verdict.transaction_id,
        receiver=untold.receiver,
        channel=untold.channel,
        recipient="",
        template="",
        state=State.DEAD,
        created_at=now,
        changed_at=now,
        expires_at=now,
        reason=failure.reason.value,
        detail=failure.message,
    )


def nobody_left(pool: Group, verdict: Verdict, tally: Tally, *, counts: tuple[str, ...], now: datetime) -> Delivery:
    """A digest for somebody whom the rules name no more, not yet dead.

    Args:
        pool: What it tells of.
        verdict: The last that it counts.
        tally: All that it counts.
        counts: What names them; the first is the digest's id.
        now: When it is decided on.
    """
    about = counts[0]
    return Delivery(
        id=notice_id(about, pool.receiver, pool.channel, pool.recipient),
        alert_id=about,
        transaction_id=None,
        receiver=pool.receiver,
        channel=pool.channel,
        recipient=pool.recipient,
        template="",
        state=State.PENDING,
        created_at=now,
        changed_at=now,
        expires_at=now,
        group=pool.of or pool.id,
        counts=counts,
        verdict=verdict,
        tally=tally,
        fields=pool.fields,
    )


def notice_id(about: str, receiver: str, channel: str, recipient: str) -> str:
    """What receivers know a repetition by: the same at every attempt, restart and replay (RFC 9562, version 5)."""
    return _id(f"{about}/{receiver}/{channel}/{recipient}")


def group_id(receiver: str, grouping: Grouping, alert: Alert) -> str:
    """The same for all alerts of a receiver whose fields have the same values.

    Where nobody knows whose account it was, no two alerts are of one account.
    """
    values = [repr(alert.value(name)) for name in grouping.by]
    if ACCOUNT in grouping.by and alert.value(ACCOUNT) is None:
        values.append(alert.id)
    return _id("\0".join([receiver, *grouping.by, *values]))


def pool_id(group: str, channel: str, recipient: str) -> str:
    """Of what waits in a group for one recipient."""
    return _id(f"pool\0{group}\0{channel}\0{recipient}")


def overflow_id(receiver: str, channel: str, recipient: str) -> str:
    """Of what limits hold back from one recipient on one channel."""
    return _id(f"overflow\0{receiver}\0{channel}\0{recipient}")


def digest_id(pool: Group, partition: int) -> str:
    """Of what waits in one partition of a pool since its last digest; known before there is one that counts it."""
    return _id(f"digest\0{pool.id}\0{partition}\0{(pool.since or pool.told_at).isoformat()}")


def page_id(channel: str, worker: str, at: datetime) -> str:
    """Of what operators are told when a channel stands still."""
    return _id(f"page\0{channel}\0{worker}\0{at.isoformat()}")


def shown_fields(grouping: Grouping, alert: Alert) -> dict[str, str]:
    """What makes a group, for people: account numbers masked."""
    values = {name: alert.value(name) for name in grouping.by}
    return masked_fields({name: str(value) for name, value in values.items() if value is not None})


def parked(delivery: Delivery, held: Held, digest: str | None = None) -> Delivery:
    """A notice that is not sent by itself; of a digest what it counts stays."""
    return replace(delivery, state=State.PARKED, held=held, digest=digest, due_at=None, verdict=None)


def recipient_of(delivery: Delivery, routes: Routes) -> Recipient | None:
    """Whom a fingerprint stands for, as the rules are now; None where they lead to nobody like it."""
    if delivery.verdict is None:
        return None
    if delivery.template == OPERATOR:
        destinations = routes.operators()
    else:
        destinations = routes.told(routes.alert(delivery.verdict)).destinations
    whom = (delivery.receiver, delivery.channel, delivery.recipient)
    found = (one for one in destinations if (one.receiver, one.channel, one.recipient.fingerprint(one.channel)) == whom)
    return next((one.recipient for one in found), None)


def _id(of: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, of))
