"""A marked test alert to one receiver, through its channels, past routes, limits and ledger."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from alerting.alert import Alert
from alerting.channels import Channel
from alerting.channels.unforeseen import receipt, unforeseen
from alerting.contracts import FRAUD_DETECTED, SCHEMA_VERSION, FraudDetected
from alerting.delivery import Failure
from alerting.messages import Content, Message
from alerting.rendering import Renderer
from alerting.routing.rules import Receiver, Target
from alerting.shapes import as_short, as_subject
from alerting.specimens import USUAL_ALERT
from stream.contracts import Source

_MARK: Final = "TEST"
_TOPIC: Final = "fraud-alerts-test"
_NOTE: Final = "This is a test: no transaction is behind it, and nothing is to be done."
_USEFUL: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one recipient.

    Attributes:
        target: Who.
        provider_id: What the provider calls what it took; None where it took nothing.
        failure: Why; None where it took it.
    """

    target: Target
    provider_id: str | None
    failure: Failure | None


def try_receiver(
    receiver: Receiver, channels: Mapping[str, Channel], renderer: Renderer, *, now: datetime
) -> list[Tried]:
    """One attempt for each recipient that stands in the file; account holders are told nothing."""
    about = uuid.uuid4()
    alert = _alert(about)
    tried = []
    for target in receiver.targets:
        content = marked(renderer.render_alert(alert, template=receiver.template, locale=target.recipient.locale))
        message = Message(
            id=str(uuid.uuid5(about, target.recipient.fingerprint(target.channel))),
            content=content,
            created_at=now,
            expires_at=now + _USEFUL,
            # Subscribers' filters see it too; an alert of a fraud has no such attribute.
            attributes={
                "type": FRAUD_DETECTED,
                "severity": alert.severity,
                "schema_version": SCHEMA_VERSION,
                "test": "true",
            },
        )
        tried.append(_try(target, channels[target.channel], message))
    return tried


def _alert(about: uuid.UUID) -> Alert:
    """One that no record ever has, and that no receiver takes for the last test's."""
    source = Source(topic=_TOPIC, partition=0, offset=about.int % 2**53)
    return replace(USUAL_ALERT, verdict=msgspec.structs.replace(USUAL_ALERT.verdict, source=source))


def marked(content: Content) -> Content:
    """The same, said to be a test in every form (pure)."""
    event = msgspec.json.decode(content.payload, type=FraudDetected)
    return Content(
        subject=as_subject(f"[{_MARK}] {content.subject}"),
        short=as_short(f"{_MARK}: {content.short}"),
        text=f"{_NOTE}\n\n{content.text}",
        html=None,
        payload=msgspec.json.encode(
            msgspec.structs.replace(event, data=msgspec.structs.replace(event.data, test=True))
        ),
    )


def _try(target: Target, channel: Channel, message: Message) -> Tried:
    try:
        return Tried(target, receipt(channel.deliver(message, target.recipient), message), None)
    except Failure as failure:
        return Tried(target, None, failure)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 (nothing of a channel's, sys.exit included, keeps others from being tried)
        return Tried(target, None, unforeseen(error, channel.name, may_have_left=True))
