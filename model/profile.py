"""Which column of a file is what: id, time, label, amount, account, segment, inputs."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from model.errors import Mendable
from model.scoring.calendar import CALENDAR

# The live transaction has fields of these names that are no model inputs.
TAKEN_NAMES: Final = (
    "transaction_id",
    "event_time",
    "account_id",
    "currency",
    "holder_phone",
    "holder_email",
    "holder_locale",
)
_SHIPPED: Final = resources.files("model") / "profiles"
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
# JSON must escape these (RFC 8259, section 7); the stream looks for an input under its name as it stands.
_ESCAPED_IN_JSON: Final = re.compile(r'["\\\x00-\x1f]')


class TimeColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a transaction happened.

    Attributes:
        column: Holds timestamps (a naive one is UTC), or, with a unit, numbers.
        unit: What the numbers count: seconds or milliseconds.
        origin: From when they count; a naive one is UTC. Goes with `unit`.
        absolute: Whether hours and weekdays mean something; not where the origin is invented.
    """

    column: str
    unit: Literal["s", "ms"] | None = None
    origin: datetime | None = None
    absolute: bool = True


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The columns of a kind of file. Built by `load_profile`, which lists every mistake.

    Attributes:
        name: Names the models that are trained with it.
        label: 1 is fraud, 0 legitimate.
        time: When the transaction happened.
        inputs: What the model sees, in this order.
        id: Names a transaction; without it the row's number in the file does.
        amount: In `currency`.
        account: Whose transaction it is.
        currency: ISO 4217 code of all the rows.
        segment: A column of texts; measures are also given for each of its values.
        label_delay_days: How long it takes until a label is known.
        calendar: Features that the model gets of the time, as written; `calendar_features` says which it gets.
    """

    name: str
    label: str
    time: TimeColumn
    inputs: tuple[str, ...]
    id: str | None = None
    amount: str | None = None
    account: str | None = None
    currency: str | None = None
    segment: str | None = None
    label_delay_days: float = 0.0
    calendar: tuple[str, ...] | None = None

    @property
    def calendar_features(self) -> tuple[str, ...]:
        """Those written; where nothing is, all that there are of a time that is absolute, and none of another."""
        if self.calendar is not None:
            return self.calendar
        return CALENDAR if self.time.absolute else ()


class ProfileUnknown(Mendable):
    """No profile of this name, and no file either."""


class ProfileInvalid(Mendable):
    """A profile that makes no sense; every mistake is named at once."""

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        super().__init__(f"profile {name!r}: {'; '.join(mistakes)}", remedy="correct the profile")


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or one of the user's by the path of its TOML file.

    Raises:
        ProfileUnknown: There is neither.
        ProfileInvalid: The file is no TOML, or the profile makes no sense.
    """
    if name_or_path in shipped_profiles():
        return parse_profile((_SHIPPED / f"{name_or_path}.toml").read_bytes(), source=name_or_path)
    path = Path(name_or_path)
    try:
        content = path.read_bytes()
    except OSError as refusal:
        raise ProfileUnknown(
            f"profile {name_or_path!r} is neither shipped nor a file that can be read",
            remedy=f"give one of {', '.join(shipped_profiles())}, or the path of a TOML file",
        ) from refusal
    return parse_profile(content, source=name_or_path)


def shipped_profiles() -> list[str]:
    """The names of the profiles that come with the product."""
    files = (entry.name for entry in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def parse_profile(content: bytes, *, source: str) -> Profile:
    """The profile in a TOML text.

    Args:
        content: UTF-8.
        source: Names it in errors.

    Raises:
        ProfileInvalid: It is no TOML, or makes no sense.
    """
    try:
        table = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as refusal:
        raise ProfileInvalid(source, [f"is no TOML ({refusal})"]) from refusal
    if mistakes := _keys_amiss(table):
        raise ProfileInvalid(source, mistakes)
    try:
        profile = msgspec.convert(table, Profile)
    except msgspec.ValidationError as refusal:
        raise ProfileInvalid(source, [str(refusal)]) from refusal
    if mistakes := [*_names_amiss(profile), *_inputs_amiss(profile), *_time_amiss(profile)]:
        raise ProfileInvalid(source, mistakes)
    return profile


def _keys_amiss(table: Mapping[str, Any]) -> list[str]:
    mistakes = _keys_amiss_of(Profile, table, prefix="")
    time = table.get("time")
    return [*mistakes, *_keys_amiss_of(TimeColumn, time, prefix="time.")] if isinstance(time, dict) else mistakes


def _keys_amiss_of(kind: type[msgspec.Struct], table: Mapping[str, Any], *, prefix: str) -> list[str]:
    fields = msgspec.structs.fields(kind)
    known = {field.name for field in fields}
    missing = [field.name for field in fields if field.required and field.name not in table]
    return [
        *(f"unknown key {prefix}{name}" for name in table if name not in known),
        *(f"no key {prefix}{name}" for name in missing),
    ]


def _names_amiss(profile: Profile) -> list[str]:
    columns = {
        "label": profile.label,
        "time.column": profile.time.column,
        "id": profile.id,
        "amount": profile.amount,
        "account": profile.account,
        "segment": profile.segment,
    }
    mistakes = [f"{key} is empty" for key, name in {"name": profile.name, **columns}.items() if name == ""]
    del columns["label"]
    mistakes += [f"label {profile.label!r} is also the {key}" for key, name in columns.items() if name == profile.label]
    if profile.currency is not None and not _CURRENCY.fullmatch(profile.currency):
        mistakes.append(f"currency {profile.currency!r} is no ISO 4217 code such as EUR")
    return mistakes


def _inputs_amiss(profile: Profile) -> list[str]:
    mistakes = [
        f"input {name!r} is there {count} times" for name, count in Counter(profile.inputs).items() if count > 1
    ]
    if not profile.inputs:
        mistakes.append("inputs are empty")
    if "" in profile.inputs:
        mistakes.append("an input has an empty name")
    mistakes += [
        f"input {name!r} has a quote, a backslash or a control character in its name"
        for name in dict.fromkeys(profile.inputs)
        if _ESCAPED_IN_JSON.search(name)
    ]
    if profile.label in profile.inputs:
        mistakes.append(f"label {profile.label!r} is among the inputs")
    mistakes += [
        f"input {name!r} is called like a field of the transaction" for name in TAKEN_NAMES if name in profile.inputs
    ]
    if "amount" in profile.inputs and profile.amount not in {None, "amount"}:
        mistakes.append(f"input 'amount' is called like the transaction's amount, which is column {profile.amount!r}")
    return mistakes


def _time_amiss(profile: Profile) -> list[str]:
    time, mistakes = profile.time, []
    if time.unit is not None and time.origin is None:
        mistakes.append("time.unit without time.origin")
    if time.unit is None and time.origin is not None:
        mistakes.append("time.origin without time.unit")
    if not 0 <= profile.label_delay_days < math.inf:
        mistakes.append(f"label_delay_days {profile.label_delay_days:g} is no number of days from 0 on")
    return [*mistakes, *_calendar_amiss(profile.calendar or (), absolute=time.absolute)]


def _calendar_amiss(features: Sequence[str], *, absolute: bool) -> list[str]:
    mistakes = [f"calendar {name!r} is none of {', '.join(CALENDAR)}" for name in features if name not in CALENDAR]
    mistakes += [f"calendar {name!r} is there {count} times" for name, count in Counter(features).items() if count > 1]
    if features and not absolute:
        mistakes.append("calendar asks for features of a time that is not absolute")
    return mistakes
