"""What a channel sends: texts that are ready, and what providers want besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Content:
    """One notice in every form that channels take; each picks its own. Account numbers are masked in all of it.

    Attributes:
        subject: One line without control characters.
        short: GSM-7, two text messages at most (306 septets), one where it can be.
        text: A mail's body, lines ended by line feeds.
        html: The same for those who see HTML; None where there is none.
        payload: JSON: `alerting.contracts.FraudDetected` or `FraudDigest`.
    """

    subject: str
    short: str
    text: str
    html: str | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A notice for one recipient, the same at every attempt.

    Attributes:
        id: What receivers and providers recognise a repetition by.
        content: What is said.
        created_at: When it was first to be sent: a mail's date.
        expires_at: Nobody is served by it later.
        thread: Of the group: mails of one stand together; None for none.
        attributes: For subscribers' filters: type, severity, schema_version.
        partition: Where its delivery stands in the ledger: for what the provider says of it later.
    """

    id: str
    content: Content
    created_at: datetime
    expires_at: datetime
    thread: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    partition: int | None = None
