"""A verdict to try something on, from a file or from stdin."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from alerting.files import shown_path, why_unreadable
from stream.contracts import SCHEMA_VERSION, SCHEMA_VERSION_HEADER, Verdict
from stream.errors import Mendable

VerdictOption = Annotated[
    Path | None,
    typer.Option(
        "--verdict",
        metavar="FILE",
        help="A verdict as it stands in its topic (JSON); - is stdin.",
        show_default="one that never was",
    ),
]


class VerdictUnreadable(Mendable):
    """What was given as a verdict is none."""


def read_verdict(file: Path) -> Verdict:
    """The verdict in a file; `-` is stdin.

    Raises:
        VerdictUnreadable: There is no such file, or no verdict in it. No value of it is quoted.
    """
    name = "stdin" if file == Path("-") else f"file {shown_path(file)}"
    try:
        text = sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except (OSError, ValueError) as refusal:
        problem = f"{name} cannot be read ({why_unreadable(refusal)})"
        raise VerdictUnreadable(problem, remedy="give a file of JSON") from None
    if (version := _newer_version(text)) is not None:
        raise VerdictUnreadable(
            f"{name} holds a verdict of schema version {version}; version {SCHEMA_VERSION} is read here",
            remedy="upgrade fraudstream",
        )
    try:
        return msgspec.json.decode(text, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        # msgspec's messages hold types, fields and byte positions, but no values.
        detail = str(refusal) if isinstance(refusal, msgspec.DecodeError) else refusal.__class__.__name__
        raise VerdictUnreadable(
            f"{name} holds no verdict: {detail}",
            remedy="give one record of topic 'verdicts', as docs/contracts has it; upgrade where its header "
            f"{SCHEMA_VERSION_HEADER} is not {SCHEMA_VERSION}",
        ) from None


class _Versioned(msgspec.Struct):
    """A record whose header was written into it, as tools do that print both."""

    schema_version: str | float | None = None


def _newer_version(text: bytes) -> str | None:
    """The version that a record says it has, where it is another one than ours."""
    try:
        said = msgspec.json.decode(text, type=_Versioned).schema_version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # what is wrong is said when the verdict is read
    if said is None:
        return None
    version = said if isinstance(said, str) else f"{said:g}"
    if version == SCHEMA_VERSION:
        return None
    return version if re.fullmatch(r"[0-9.]{1,9}", version, re.ASCII) else "unknown"
