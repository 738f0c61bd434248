"""What a language says it with: `words.toml` of each locale, the shipped ones and a bank's own, typed and checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from alerting.locales import DEFAULT_LOCALE, canonical, fallbacks
from alerting.routing.domains import LOCALE

WORDS_FILE: Final = "words.toml"

Separator = Annotated[str, Meta(max_length=1)]
_Table = Mapping[str, Any]


class FigureWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How figures and times are written; what stands in braces is filled in."""

    thousands: Separator
    decimal: Separator
    date: str
    moment: str
    span: str
    span_in_a_day: str
    money: str
    percent: str
    amount_unknown: str
    more_currencies: str


class PlainWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said where a template cannot be used."""

    alert: str
    digest: str
    failed: str


class ReasonWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sentences of reasons."""

    known: str
    unknown: str
    missing: str


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feature's value means.

    Attributes:
        text: In words.
        zero: Where the value is 0; None takes `text`.
        missing: Where there is no value; None takes the sentence for all that is missing.
        shown: How the value is written.
    """

    text: str
    zero: str | None = None
    missing: str | None = None
    shown: Literal["number", "count", "money", "percent"] = "number"


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One language's file. Features by name in lower case, where {days} stands for digits."""

    figures: FigureWords
    plain: PlainWords
    severities: dict[str, str]
    reasons: ReasonWords
    features: dict[str, Phrase]


# What may be filled in, by where it stands.
_PLACES: Final = {
    "figures.date": {"year", "month", "day"},
    "figures.moment": {"date", "clock"},
    "figures.span": {"first", "last"},
    "figures.span_in_a_day": {"date", "first", "last"},
    "figures.money": {"currency", "figure"},
    "figures.percent": {"figure"},
    "figures.more_currencies": {"sums", "count"},
    "plain.alert": {"amount", "account", "time", "transaction"},
    "plain.digest": {"count", "sums", "span"},
    "plain.failed": {"template", "error"},
    "reasons.known": {"what", "points"},
    "reasons.unknown": {"feature", "value", "points"},
    "reasons.missing": {"feature", "points"},
}


def load_words(shipped: Path, own: Path | None) -> tuple[dict[str, Words], list[str]]:
    """The words of every locale that has any, each on top of those that it falls back to.

    Args:
        shipped: Folder with a folder for each locale; its files are right.
        own: A bank's folder, of the same form; a file of it that is wrong is left out.

    Returns:
        Words by locale in canonical spelling, `en` among them; and what is wrong, file by file.
    """
    ours = dict(_files(shipped))
    theirs = {} if own is None else dict(_files(own))
    tables: dict[str, list[_Table]] = {
        locale: [tomllib.loads(path.read_text(encoding="utf-8"))] for locale, path in ours.items()
    }
    problems: list[str] = []
    for locale, path in theirs.items():
        name = f"{path.parent.name}/{path.name}"
        if (problem := flaw_of_locale(name)) is not None:
            problems.append(problem)
            continue
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            found = _flaws(table, tables[DEFAULT_LOCALE][0])
        except (OSError, ValueError) as refusal:  # of TOML, of UTF-8, of msgspec: none quotes a value
            found = [str(refusal)]
        problems += [f"{name}: {what}" for what in found]
        if not found:
            tables.setdefault(locale, []).append(table)
    return {locale: _merged(_chain(locale, tables)) for locale in sorted(tables)}, problems


def flaw_of_locale(name: str) -> str | None:
    """What is wrong with a file's name, whose first folder is a language; None where it is one."""
    folder = name.partition("/")[0]
    if re.fullmatch(LOCALE, folder, re.ASCII):
        return None
    return f"{name}: '{folder}' is no language, such as de or de-AT"


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    return ((canonical(path.parent.name), path) for path in sorted(folder.glob(f"*/{WORDS_FILE}")))


def _chain(locale: str, tables: Mapping[str, Sequence[_Table]]) -> list[_Table]:
    return [table for each in reversed(fallbacks(locale)) for table in tables.get(each, ())]


def _merged(tables: Sequence[_Table]) -> Words:
    """The tables as one, key by key; the last that has a key says it."""
    merged: dict[str, dict[str, Any]] = {}
    for table in tables:
        for section, entries in table.items():
            if not isinstance(entries, dict):
                raise ValueError(f"'{section}' must be a table")
            merged[section] = {**merged.get(section, {}), **entries}
    return msgspec.convert(merged, Words)


def _flaws(table: _Table, usual: _Table) -> list[str]:
    """What is wrong with a bank's table, entry by entry."""
    found: list[str] = []
    right: dict[str, dict[str, Any]] = {}
    for section, entries in table.items():
        parts = (
            [{name: entry} for name, entry in entries.items()] if isinstance(entries, dict) and entries else [entries]
        )
        for part in parts:
            try:
                _merged([usual, {section: part}])
            except ValueError as refusal:  # of msgspec too, which quotes no value
                found.append(str(refusal))
            else:
                right.setdefault(section, {}).update(part)
    return [*dict.fromkeys(found), *_unfillable(_merged([usual, right]))]


def _unfillable(words: Words) -> list[str]:
    """Braces that nothing fills."""
    sections = {"figures": words.figures, "plain": words.plain, "reasons": words.reasons}
    texts = {
        f"{section}.{field}": getattr(struct, field)
        for section, struct in sections.items()
        for field in struct.__struct_fields__
    }
    problems = [problem for place, text in texts.items() for problem in _problems(place, text, _PLACES.get(place, ()))]
    for name, phrase in words.features.items():
        days = {"days"} if "{days}" in name else set()
        for field, known in (("text", days | {"value"}), ("zero", days), ("missing", days)):
            problems += _problems(f"features.{name}.{field}", getattr(phrase, field) or "", known)
    return problems


def _problems(place: str, text: str, known: Collection[str]) -> list[str]:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as refusal:
        return [f"{place}: {refusal}"]
    return [
        f"{place}: nothing fills {{{name}}}; there is {_listed(known)}"
        for _, name, form, conversion in parts
        if name is not None and (name not in known or form or conversion)
    ]


def _listed(known: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(known)) or "nothing to fill in"
