"""Recipients as the routing file has them: addresses of the form that their channel takes, and what it wants besides.

An address is personal data: no problem quotes one, its place tells which it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import phonenumbers
import yaml
from email_validator import EmailNotValidError, validate_email

from alerting.destinations import Recipient
from alerting.routing.nearest import quoted
from alerting.routing.nodes import Reader, place_of
from alerting.routing.rules import Target

LOCALE: Final = r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}"
ARN: Final = r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?"
E164: Final = r"\+[1-9][0-9]{6,14}"
SECRET_NAME: Final = "(?!whsec_)[A-Za-z0-9_-]{1,64}"  # noqa: S105 (the form of names)
# Channels whose recipients check that it is we who tell them.
SIGNED: Final = frozenset({"webhook"})

_KEYS: Final = ("to", "locale", "secret")


def phone_number(text: str) -> str | None:
    """The number, where there can be one like it: E.164, of a country that exists, neither too short nor long."""
    if not re.fullmatch(E164, text, re.ASCII):
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return text if phonenumbers.is_possible_number(number) else None


def mail_address(text: str) -> str | None:
    """The address in ASCII. Special-use domains such as `.local` are refused (RFC 6761); nobody is asked about it."""
    try:
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        return None


def url(text: str) -> str | None:
    """The URL, where it is one of HTTP with a host, and without user, password or fragment."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # no port is larger than 65535, and brackets hold IPv6 addresses
        return None
    return text if fine and "@" not in parts.netloc and not parts.fragment else None


def topic_arn(text: str) -> str | None:
    """The ARN of an SNS topic."""
    return text if re.fullmatch(ARN, text, re.ASCII) else None


_FORMS: Final[Mapping[str, tuple[Callable[[str], str | None], str]]] = {
    "sms": (phone_number, "this is no phone number: write + and the country's code, such as +15550100, in quotes"),
    "email": (mail_address, "this is no mail address: write one such as desk@bank.example"),
    "webhook": (url, "this is no URL: write https://HOST/PATH, without user and password"),
    "sns": (topic_arn, "this is no ARN of a topic: write arn:aws:sns:REGION:ACCOUNT:TOPIC"),
}
# Channels whose addresses have a form that is known here.
ADDRESSED: Final = tuple(_FORMS)


def read_targets(reader: Reader, channel: str, node: yaml.Node, *, locale: str) -> tuple[Target, ...]:
    """All that stands under a channel's name in a receiver; what is wrong is noted and left out.

    A channel that is not of this package takes texts as they are, and further keys as options.

    Args:
        reader: Takes the nodes apart.
        channel: The channel's name.
        node: What stands there.
        locale: Of recipients that have none of their own.
    """
    targets = [
        _target(reader, channel, item, locale) for item in reader.items(node, what=f"recipients of {quoted(channel)}")
    ]
    if not targets and isinstance(node, yaml.SequenceNode):
        reader.refuse(node, f"{quoted(channel)} has no recipients: write one, or leave it out")
    known: dict[str, Target] = {}
    for target in filter(None, targets):
        first = known.setdefault(target.recipient.address, target)
        if first is not target:
            reader.refuse_at(target.place, f"the same recipient stands in line {first.place.line} already")
    return tuple(known.values())


def read_locale(reader: Reader, node: yaml.Node) -> str | None:
    """A language, such as `de` or `de-AT`."""
    said = reader.text(node, what="a language")
    if said is None or re.fullmatch(LOCALE, said, re.ASCII):
        return said
    reader.refuse(node, "this is no language: write one such as en or de-AT")
    return None


def _target(reader: Reader, channel: str, node: yaml.Node, locale: str) -> Target | None:
    options: dict[str, str] = {}
    at = node
    if isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        # A bank's own channel may have options that nobody here knows.
        section = reader.section(
            node, _KEYS if channel in _FORMS else {*_KEYS, *keys}, what=f"a recipient of {quoted(channel)}"
        )
        if "to" not in section:
            reader.refuse(node, "nobody is named: write to: ADDRESS")
            return None
        at = section.pop("to")
        if (language := section.pop("locale", None)) is not None:
            locale = read_locale(reader, language) or locale
        for name, value in section.items():
            options[name] = _option(reader, name, value)
    if channel in SIGNED and "secret" not in options:
        reader.refuse(node, "nothing signs what is sent there: write {to: URL, secret: NAME}")
    said = reader.text(at, what="an address")
    if said is None:
        return None
    form, refusal = _FORMS.get(channel, (str, ""))
    address = form(said)
    if address is None:
        reader.refuse(at, refusal)
        return None
    return Target(channel, Recipient(address, locale, options), place_of(at))


def _option(reader: Reader, name: str, node: yaml.Node) -> str:
    said = reader.text(node, what=f"what {name} is") or ""
    if name == "secret" and said and not re.fullmatch(SECRET_NAME, said, re.ASCII):
        # It may be the secret itself.
        reader.refuse(node, "this is no secret's name: put the secret into the settings, and its name here")
        return ""
    return said
