"""The form that each text has to have, whatever a template wrote (pure)."""

from __future__ import annotations

from typing import Final

from alerting.catalog import Part
from alerting.text import REFERENCE_SEPTETS, TWO_SEGMENTS, clipped_septets, gsm7, one_line

LONGEST_SUBJECT: Final = 99  # of an SNS message
LONGEST_SHORT: Final = TWO_SEGMENTS - REFERENCE_SEPTETS


class OutputEmpty(Exception):
    """A template that wrote nothing."""


def shaped(part: Part, written: str) -> str | None:
    """A text in the form of its part; None for HTML that is left out.

    Raises:
        OutputEmpty: There is nothing in a text that is always wanted.
    """
    match part:
        case Part.SUBJECT:
            return as_subject(written)
        case Part.SMS:
            return as_short(written)
        case Part.TEXT:
            return as_text(written)
        case Part.HTML:
            return written if written.strip() else None


def as_subject(written: str) -> str:
    """One line, clipped where it is too long.

    Raises:
        OutputEmpty: There is nothing in it.
    """
    return _filled(one_line(" ".join(written.split()), LONGEST_SUBJECT))


def as_short(written: str, *, room: int = LONGEST_SHORT) -> str:
    """One line of GSM-7, clipped to two text messages with room for a reference, or to fewer septets.

    Raises:
        OutputEmpty: There is nothing in it.
    """
    return _filled(clipped_septets(gsm7(" ".join(written.split())), room))


def as_text(written: str) -> str:
    """Lines that end in line feeds, without spaces behind them or two empty lines in a row.

    Raises:
        OutputEmpty: There is nothing in it.
    """
    lines = [line.rstrip() for line in _filled(written).strip("\r\n").splitlines()]
    kept = [line for line, before in zip(lines, ["", *lines], strict=False) if line or before]
    return "\n".join([*kept, ""])


def _filled(text: str) -> str:
    if not text.strip():
        raise OutputEmpty("it is empty")
    return text
