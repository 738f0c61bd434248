"""Dead letters for people and for programs: never what is in a key or a value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from cli.console import open_table
from stream.contracts import LATEST_EPOCH_MS
from stream.dead_letter_overview import Group, Listed
from stream.records import Headers


def groups_as_json(groups: Iterable[Group]) -> list[dict[str, Any]]:
    """One object for each reason and partition."""
    return [
        {
            "reason": group.reason,
            "topic": group.topic,
            "partition": group.partition,
            "dead_letters": group.count,
            "replayed": group.replayed,
            "first": _moment(group.first_ms),
            "last": _moment(group.last_ms),
        }
        for group in groups
    ]


def listed_as_json(letter: Listed) -> dict[str, Any]:
    """One dead letter."""
    said = asdict(letter)
    source = {name: said.pop(name) for name in ("topic", "partition", "offset")}
    timestamp = _moment(said.pop("timestamp_ms"))
    return {**said, "source": source, "timestamp": timestamp}


def headers_as_json(headers: Headers) -> list[list[str | None]]:
    """Names and values in order; bytes that are not UTF-8 are escaped."""
    return [[name, None if value is None else value.decode(errors="backslashreplace")] for name, value in headers]


def groups_table(title: str, groups: Sequence[Group]) -> Table:
    """One row for each reason and partition."""
    table = open_table(title)
    table.add_column("reason", no_wrap=True)
    for heading in ("partition", "dead letters", "replayed"):
        table.add_column(heading, justify="right", min_width=len("partition"))
    for heading in ("first", "last"):
        table.add_column(heading, no_wrap=True)
    for group in groups:
        table.add_row(
            printable(group.reason),
            str(group.partition),
            str(group.count),
            str(group.replayed),
            _moment(group.first_ms) or "-",
            _moment(group.last_ms) or "-",
        )
    return table


def letters_table(title: str, letters: Sequence[Listed]) -> Table:
    """One row for each dead letter."""
    table = open_table(title)
    for heading in ("place", "reason", "source", "time"):
        table.add_column(heading, no_wrap=True)
    for heading in ("key bytes", "value bytes"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for letter in letters:
        table.add_row(
            letter.place,
            printable(letter.reason),
            f"{letter.partition}:{letter.offset}",
            _moment(letter.timestamp_ms) or "-",
            "-" if letter.key_bytes is None else str(letter.key_bytes),
            "-" if letter.value_bytes is None else str(letter.value_bytes),
            "replayed" if letter.replayed else "",
        )
    return table


def letter_table(letter: Listed, headers: Headers) -> Table:
    """One row for each thing to know of a dead letter."""
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("place", letter.place)
    table.add_row("reason", printable(letter.reason))
    table.add_row("message", printable(letter.message))
    table.add_row("source", f"{printable(letter.topic)} {letter.partition}:{letter.offset}")
    table.add_row("time", _moment(letter.timestamp_ms) or f"{letter.timestamp_ms} ms since 1970")
    table.add_row("replayed", "yes" if letter.replayed else "no")
    table.add_row("key", _size(letter.key_bytes))
    table.add_row("value", _size(letter.value_bytes))
    for name, text in headers_as_json(headers):
        table.add_row(f"header {printable(str(name))}", "-" if text is None else printable(text))
    return table


def printable(text: str) -> str:
    """The text with whatever a terminal would act on escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _size(length: int | None) -> str:
    return "none" if length is None else f"{length} bytes"


def _moment(timestamp_ms: int) -> str | None:
    """RFC 3339; None where no calendar reaches."""
    if not 0 <= timestamp_ms <= LATEST_EPOCH_MS:
        return None
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
