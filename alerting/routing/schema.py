"""The routing file as JSON Schema, for editors that complete and check it while it is written.

It knows the form. What only the settings know, and which rules nothing gets to, `fraud alerts check-config` says.
"""

from __future__ import annotations

from typing import Any, Final

from alerting.alert import FIELDS
from alerting.routing.domains import DOMAINS, LOCALE, MOMENT
from alerting.routing.file import HOLDER_CHANNELS, NOT_CHANNELS, STORM
from alerting.routing.forms import ARN, E164
from alerting.routing.operands import NUMBER
from alerting.routing.recipients import SECRET_NAME, SIGNED
from alerting.routing.units import DURATION, LIMIT

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

# YAML takes some names for numbers, or for true and false; the reader takes them by their text.
_NAME: Final = {"type": ["string", "number", "boolean"], "pattern": r"\S"}
_LOCALE: Final = {
    # "no", which is Norwegian, is false.
    "anyOf": [{"type": "string", "pattern": f"^{LOCALE}$"}, {"const": False}],
    "description": "Language, such as de or de-AT",
}
_SECRET: Final = {
    "type": "string",
    "pattern": f"^{SECRET_NAME}$",
    "description": "Name of a secret in the settings; never the secret",
}
_TEXT: Final = {"type": ["string", "number", "boolean"], "pattern": r"^(?!\s*!=\s*null\s*$)\s*(!=\s*)?[^<>=~!\s]"}
_COUNTRY: Final = {
    # "NO", which is Norway, is false.
    "anyOf": [{"type": "string", "pattern": r"^(\s*!=\s*)?[A-Z]{2}$"}, {"const": False}],
    "description": "Two capital letters",
}
_NUMBER: Final = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": rf"^\s*(!=|>=|<=|>|<)?\s*{NUMBER}\s*$"},
        {"type": "string", "pattern": rf"^\s*(!=)?\s*{NUMBER}\s*\.\.\s*{NUMBER}\s*$"},
    ],
    "description": 'A number, ">=5", ">5", "<=5", "<5", "!=5", or "100..500" with both ends in it',
}
_MOMENT: Final = {
    "type": "string",
    "pattern": r"^\s*(!=|>=|<=|>|<)?\s*[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "description": 'A day of UTC or a time with its offset: "2026-01-31", ">=2026-01-31T23:00:00Z", or a range with ..',
}
_ADDRESSES: Final = {
    "sms": {"type": "string", "pattern": f"^{E164}$", "description": 'E.164, in quotes: "+15550100"'},
    "email": {
        "type": "string",
        "pattern": r"^[^@\s.]+(\.[^@\s.]+)*@([^@\s.]+(\.[^@\s.]+)+|localhost)$",
    },
    "webhook": {"type": "string", "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+([/?][^\s#]*)?$"},
    "sns": {"type": "string", "pattern": f"^{ARN}$"},
}


def rules_schema() -> dict[str, Any]:
    """The JSON Schema of version 1 of the routing file."""
    return {
        "$schema": DIALECT,
        "x-schema-version": "1",
        "title": "Who is told of which fraud",
        **_object(
            {
                "version": {"enum": [1, "1"]},
                "severities": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/severity"},
                    "description": "The first that an alert matches is its severity; low where none does",
                },
                "receivers": {"type": "array", "items": {"$ref": "#/$defs/receiver"}},
                "operators": {**_NAME, "description": "The receiver that is paged where a channel stands still"},
                "route": {"$ref": "#/$defs/root"},
                "limits": {"$ref": "#/$defs/limits"},
            },
            required=["version", "receivers", "route"],
        ),
        "$defs": {
            "severity": _object({"name": _NAME, "when": _conditions(but="severity")}, required=["name", "when"]),
            "receiver": _receiver(),
            "root": _object(_of_routes()),
            "route": _object(
                {
                    "match": _conditions(),
                    "continue": {
                        "enum": [True, False, "true", "false"],
                        "description": "The next sibling is asked as well",
                    },
                    **_of_routes(),
                }
            ),
            "limits": _limits(),
        },
    }


def _receiver() -> dict[str, Any]:
    holder = {
        "type": "array",
        "items": {"enum": list(HOLDER_CHANNELS)},
        "minItems": 1,
        "description": "Channels on which the account's holder is told, at addresses from the accounts file, or "
        "else the transaction",
    }
    template = {**_NAME, "description": "Words for whom: analyst where nothing is said, or holder, or a bank's own"}
    named = {"name": _NAME, "locale": _LOCALE, "template": template, "account_holder": holder}
    addressed = {channel: _targets(form, signed=channel in SIGNED) for channel, form in _ADDRESSES.items()}
    return {
        **_object({**named, **addressed}, required=["name"]),
        # Somebody is in it.
        "not": {"propertyNames": {"enum": list(NOT_CHANNELS)}},
        # Every further key is a channel; a bank's own has addresses of a form that nobody here knows.
        "additionalProperties": _targets(_NAME, more=True),
    }


def _targets(form: dict[str, Any], *, signed: bool = False, more: bool = False) -> dict[str, Any]:
    named = {
        **_object({"to": form, "locale": _LOCALE, "secret": _SECRET}, required=["to", "secret"] if signed else ["to"]),
        "additionalProperties": _NAME if more else False,
    }
    return {"type": "array", "minItems": 1, "items": named if signed else {"anyOf": [form, named]}}


def _of_routes() -> dict[str, Any]:
    return {
        "receiver": {**_NAME, "description": "Told of what no route below takes; inherited"},
        "group_by": {
            "type": "array",
            "items": {"enum": list(FIELDS)},
            "description": "Fields whose values make a group; [] is one group for all; inherited",
        },
        "group_interval": {
            "type": "string",
            "pattern": f"^{DURATION}$",
            "description": "Further alerts of a group within it become one digest; inherited",
        },
        "routes": {"type": "array", "items": {"$ref": "#/$defs/route"}, "description": "Asked in this order"},
    }


def _conditions(*, but: str | None = None) -> dict[str, Any]:
    return {
        **_object({name: _condition(name) for name in FIELDS if name != but}),
        "description": "All of these hold; in a list, one of its items",
    }


def _condition(name: str) -> dict[str, Any]:
    special = {MOMENT: _MOMENT, "account.country": _COUNTRY}
    said = special.get(name) or (_NUMBER if DOMAINS[name].numbers else _TEXT)
    nothing = {"type": "null", "description": "Alerts that have nothing there"}
    one = {"anyOf": [said, nothing]} if DOMAINS[name].missing else said
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _limits() -> dict[str, Any]:
    limit = {"type": "string", "pattern": f"^{LIMIT}$", "description": "5/15m lets 5 pass in 15 minutes"}
    return {
        "type": "object",
        "properties": {STORM: {**limit, "description": "Of the whole worker, all channels together"}},
        "additionalProperties": {
            "type": "array",
            "items": limit,
            "description": "For each recipient on this channel, all of them; [] lifts the defaults. provider/CHANNEL: "
            "of all recipients together",
        },
    }


def _object(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
