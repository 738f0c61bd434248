"""A verdict to try something on, from a file or from stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from stream.contracts import Verdict
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
    name = "stdin" if file == Path("-") else f"file '{file}'"
    try:
        text = sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as refusal:
        raise VerdictUnreadable(f"{name} cannot be read ({refusal.strerror})", remedy="give a file of JSON") from None
    try:
        return msgspec.json.decode(text, type=Verdict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as refusal:
        # msgspec's messages hold types, fields and byte positions, but no values.
        detail = str(refusal) if isinstance(refusal, msgspec.DecodeError) else refusal.__class__.__name__
        raise VerdictUnreadable(
            f"{name} holds no verdict: {detail}", remedy="give one record of topic 'verdicts', as docs/contracts has it"
        ) from None
