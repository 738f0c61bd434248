"""Recipients as the routing file has them: addresses of the form that their channel takes, and what it wants besides.

An address is personal data: no problem quotes one, its place tells which it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import yaml

from alerting.destinations import Recipient
from alerting.routing.domains import LOCALE
from alerting.routing.forms import mail_address, phone_number, topic_arn, url
from alerting.routing.nearest import quoted
from alerting.routing.nodes import Reader, is_figure, place_of
from alerting.routing.rules import Target

SECRET_NAME: Final = "(?!whsec_)[A-Za-z0-9_-]{1,64}"  # noqa: S105 (the form of names)
# Channels whose recipients check that it is we who tell them.
SIGNED: Final = frozenset({"webhook"})

_KEYS: Final = ("to", "locale", "secret")


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
    read = tuple(filter(None, targets))
    for target in read:
        first = known.setdefault(target.recipient.address, target)
        if first is not target:
            reader.refuse_at(target.place, f"the same recipient stands in line {first.place.line} already")
    return read


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
    # Programs that read the same file would have lost its sign.
    address = None if channel == "sms" and is_figure(at) else form(said)
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
