"""What a routing file may name where the settings could not be read whole: by the names that were given (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerting.routing.checking import Configured
from alerting.settings import BUILT_IN

_OTHERS = "others"
# Sections whose entries a routing file names as recipients.
_NAMED = {"slack": "urls", "pagerduty": "routing_keys"}


def configured_as_given(given: Mapping[str, object]) -> Configured:
    """What was meant to be configured, whether it is right or not.

    What stands there as a text that is no JSON may hold anything: of that nothing is said.

    Args:
        given: Values of the section `alerts` by dotted name, such as `sms.account_sid`.
    """
    sections = {name.partition(".")[0] for name, value in given.items() if value is not None}
    others = _entries(given, _OTHERS)
    secrets = _entries(given, "webhook.secrets")
    named = {channel: _entries(given, f"{channel}.{field}") for channel, field in _NAMED.items()}
    return Configured(
        channels=None if others is None else frozenset({*sections.intersection(BUILT_IN), *others}),
        secrets=secrets,
        accounts="accounts" in sections,
        named={channel: names for channel, names in named.items() if names is not None and channel in sections},
    )


def _entries(given: Mapping[str, object], table: str) -> frozenset[str] | None:
    """Names of a table's entries; None where it, or what it stands in, could not be taken apart."""
    for name in _above(table):
        if not isinstance(given.get(name, {}), Mapping):
            return None
    return frozenset(name.removeprefix(f"{table}.").partition(".")[0] for name in given if name.startswith(f"{table}."))


def _above(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))
