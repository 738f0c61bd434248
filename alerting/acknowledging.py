"""Links by which analysts answer an alert: signed tokens, and the page behind them (pure).

Opening a link changes nothing: mail scanners open every one. An answer is a POST from the page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, quote

import msgspec

from alerting.labels import Label, Word
from alerting.ledger.entries import Delivery
from alerting.notices import overflow_id
from alerting.reply_codes import ReplyCode, understood
from alerting.silencing import LONGEST_AUTHOR, LONGEST_REASON, Kind, Silence
from alerting.text import clipped, one_line
from stream.contracts import MAX_ID_LENGTH, Source
from stream.pages import Answer, Asked

PATH: Final = "/ack"
# An id has up to 512 characters of up to four bytes; more than a proxy passes on would be of no use.
_LONGEST_TOKEN: Final = 6_144
_LONGEST_FIELD: Final = 64
_MOST_FIELDS: Final = 5
_ACCOUNT: Final = "account_id"
_FIELDS: Final = {_ACCOUNT: "account", "transaction_id": "transaction"}
_NAMESPACE: Final = uuid.UUID("3f1b6a52-7f33-5d0c-a3b3-6b8f8f1f2a11")


class Said(StrEnum):
    """What can be answered."""

    SEEN = "seen"
    FRAUD = "fraud"
    LEGITIMATE = "legitimate"


class Token(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a link stands for. Whoever holds it may answer for its recipient."""

    alert_id: str
    transaction_id: str | None
    topic: str | None
    partition: int
    offset: int
    group: str
    receiver: str
    recipient: str
    expires: int
    fields: dict[str, str] = {}
    account: str | None = None


class TokenRefused(Exception):
    """A link that is none of ours, or was changed."""


class TokenExpired(Exception):
    """A link that worked once."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, to be written.

    Attributes:
        said: What.
        silence: Holds the group's further alerts back.
        label: For training; None where only somebody has seen it.
    """

    said: Said
    silence: Silence
    label: Label | None


def token_of(delivery: Delivery, *, expires: datetime) -> Token | None:
    """What a notice's link stands for; None where there is nothing to answer, or nobody who should.

    That is a notice to an account's holder, one to operators, and a digest of what a limit held back: it is of no
    group, and whoever answered it would have no limit hold anything back any more without being told.
    """
    is_digest, source = delivery.tally is not None, delivery.source
    pool = overflow_id(delivery.receiver, delivery.channel, delivery.recipient)
    if delivery.is_holder or delivery.group in (None, pool) or (source is None and not is_digest):
        return None
    return Token(
        alert_id=delivery.alert_id,
        transaction_id=None if is_digest else delivery.transaction_id,
        topic=None if source is None else source.topic,
        partition=0 if source is None else source.partition,
        offset=0 if source is None else source.offset,
        group=delivery.group or "",
        receiver=delivery.receiver,
        recipient=delivery.recipient,
        expires=int(expires.timestamp()),
        fields={name: one_line(value, _LONGEST_FIELD) for name, value in list(delivery.fields.items())[:_MOST_FIELDS]},
        account=delivery.account,
    )


def signed(token: Token, keys: Sequence[bytes]) -> str:
    """A token as it stands in a link, signed by the first key (RFC 2104, RFC 4648 section 5)."""
    body = msgspec.msgpack.encode(token)
    return f"{_text(body)}.{_text(_mac(body, keys[0]))}"


def verified(text: str, keys: Sequence[bytes], *, now: datetime) -> Token:
    """The token in a link.

    Args:
        text: As it came.
        keys: Any of them may have signed.
        now: With a zone.

    Raises:
        TokenRefused: None of them has.
        TokenExpired: One has, too long ago.
    """
    body_text, _, mac_text = text[:_LONGEST_TOKEN].partition(".")
    try:
        body, mac = _bytes(body_text), _bytes(mac_text)
    except (binascii.Error, ValueError):
        raise TokenRefused from None
    if not any(hmac.compare_digest(mac, _mac(body, key)) for key in keys):
        raise TokenRefused
    try:
        token = msgspec.msgpack.decode(body, type=Token)
    except msgspec.DecodeError:
        raise TokenRefused from None
    if token.expires < now.timestamp():
        raise TokenExpired
    return token


def link(base_url: str, token: str) -> str:
    """Where an analyst answers."""
    return f"{base_url.rstrip('/')}{PATH}?t={quote(token)}"


def short_link(base_url: str, code: ReplyCode) -> str:
    """The same for a text message."""
    return f"{base_url.rstrip('/')}{PATH}?c={code}"


def answers_to(token: Token) -> tuple[Said, ...]:
    """What can be answered: of a digest, which tells of several transactions, only that somebody has seen it."""
    return (Said.SEEN,) if token.transaction_id is None else (Said.FRAUD, Said.LEGITIMATE, Said.SEEN)


def answer_of(token: Token, said: Said, *, by: str, now: datetime, hold: timedelta) -> Answered:
    """What an answer comes to: its group is quiet, and its account, whichever receiver's further alerts are of it.

    An account in a group has one silence by answers, which the last answer makes.

    Args:
        token: What is answered.
        said: The answer.
        by: Who, for the label and the silence.
        now: With a zone.
        hold: How long the group's further alerts are held back.
    """
    silence = Silence(
        id=str(uuid.uuid5(_NAMESPACE, f"{token.group}/{token.account or ''}")),
        kind=Kind.ACKNOWLEDGED,
        group=token.group,
        account=token.account,
        author=clipped(by, LONGEST_AUTHOR),
        reason=clipped(f"{said.value}: {goes_quiet(token)}", LONGEST_REASON),
        created_at=now,
        starts_at=now,
        ends_at=now + hold,
    )
    if said is Said.SEEN or token.transaction_id is None or token.topic is None:
        return Answered(said, silence, None)
    label = Label(
        transaction_id=token.transaction_id,
        source=Source(topic=token.topic, partition=token.partition, offset=token.offset),
        alert_id=token.alert_id,
        label=Word(said.value),
        by=by,
        at=now,
    )
    return Answered(said, silence, label)


def goes_quiet(token: Token) -> str:
    """What an answer holds back, for people; account numbers are masked."""
    named = [f"{_FIELDS.get(name, name)} {value}" for name, value in token.fields.items()]
    if not named:
        return f"every account, for {token.receiver}"
    return ", ".join(named) + (" and its account" if token.account and _ACCOUNT not in token.fields else "")


def respond(
    asked: Asked,
    keys: Sequence[bytes],
    *,
    now: datetime,
    hold: timedelta,
    find: Callable[[ReplyCode], Token | None] = lambda _: None,
) -> tuple[Answer, Answered | None]:
    """The page for a request, and what was answered by it.

    Args:
        asked: GET shows the page, POST answers; the token or code is in the query, the answer in the form.
        keys: Of the settings.
        now: With a zone.
        hold: As for `answer_of`.
        find: What a reply code stands for.
    """
    query = parse_qs(asked.query)
    try:
        if "c" in query:
            token = _found(understood(query["c"][0]), find, now)
        else:
            token = verified(query.get("t", [""])[0], keys, now=now)
    except TokenRefused:
        return page(403, "This link is not valid", "Open it from the alert itself."), None
    except TokenExpired:
        return page(410, "This link has expired", "Look the alert up in your case system."), None
    about = _about(token)
    until = (now + hold).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if asked.method != "POST":
        offer = f"{about}. Any answer holds back further alerts of {goes_quiet(token)} until {until}."
        return page(200, "Fraud alert", offer, buttons=_buttons(token)), None
    said = parse_qs(asked.body.decode("utf-8", "replace")).get("said", [""])[0]
    if said not in answers_to(token):
        return page(400, "Nothing was answered", about, buttons=_buttons(token)), None
    by = f"{token.receiver}/{token.recipient}"
    answered = answer_of(token, Said(said), by=by, now=now, hold=hold)
    done = f"{about}. Further alerts of {goes_quiet(token)} are held back until {until}."
    return page(200, _DONE[answered.said], done), answered


def page(status: int, title: str, text: str, *, buttons: Sequence[tuple[Said, str]] = ()) -> Answer:
    """A page that needs no script and asks nobody for anything."""
    forms = "".join(
        f'<button name="said" value="{said.value}" class="{said.value}">{html.escape(words)}</button>'
        for said, words in buttons
    )
    form = f'<form method="post">{forms}</form>' if forms else ""
    body = _PAGE.format(title=html.escape(title), text=html.escape(text), form=form)
    return Answer(status, body.encode(), "text/html; charset=utf-8", _HEADERS)


def _found(code: ReplyCode | None, find: Callable[[ReplyCode], Token | None], now: datetime) -> Token:
    token = None if code is None else find(code)
    if token is None:
        raise TokenRefused
    if token.expires < now.timestamp():
        raise TokenExpired
    return token


def _about(token: Token) -> str:
    if token.transaction_id is None:
        return "A digest of several transactions"
    return f"Transaction {one_line(token.transaction_id, MAX_ID_LENGTH)}"


def _buttons(token: Token) -> list[tuple[Said, str]]:
    return [(one, _BUTTONS[one]) for one in answers_to(token)]


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"fraud-acknowledge." + body, hashlib.sha256).digest()


def _text(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


_BUTTONS: Final = {
    Said.FRAUD: "It is fraud",
    Said.LEGITIMATE: "It is not fraud",
    Said.SEEN: "I am on it",
}
_DONE: Final = {
    Said.SEEN: "Noted: you are on it",
    Said.FRAUD: "Noted: it is fraud",
    Said.LEGITIMATE: "Noted: it is not fraud",
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 0 1rem; color: #1b1f24; background: #f4f5f7; }}
main {{ max-width: 26rem; margin: 2rem auto; padding: 1.5rem; background: #fff; border-radius: .75rem;
  box-shadow: 0 1px 4px rgb(0 0 0 / 15%); }}
h1 {{ font-size: 1.4rem; margin: 0 0 .5rem; }}
p {{ margin: 0 0 1.25rem; overflow-wrap: anywhere; }}
button {{ display: block; width: 100%; margin: .6rem 0; padding: .8rem; font: inherit; font-weight: 600; color: #fff;
  background: #57606a; border: 0; border-radius: .5rem; cursor: pointer; }}
p:last-child, button:last-child {{ margin-bottom: 0; }}
button.fraud {{ background: #b3261e; }}
button.legitimate {{ background: #1a6b37; }}
button:focus-visible {{ outline: 3px solid #0b57d0; outline-offset: 2px; }}
</style>
</head>
<body><main><h1>{title}</h1><p>{text}</p>{form}</main></body>
</html>
"""
