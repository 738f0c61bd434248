"""Messages as channels get them, for the tests of channels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from alerting.messages import Content, Message
from alerting.rendering import Renderer
from tests.alerting.verdicts import alert

NOW: Final = datetime(2026, 1, 31, 12, 0, 6, tzinfo=UTC)
NOTICE: Final = "7c1b6b1e-52b1-5c4c-9a55-0d4d2a3a9f10"
_RENDERER: Final = Renderer()


def content(**changed: Any) -> Content:
    """What is said of a fraud verdict, but for what is changed."""
    return _RENDERER.render_alert(alert(**changed), template="analyst", locale="en")


def message(notice: str = NOTICE, **changed: Any) -> Message:
    """The notice about a fraud verdict, but for what is changed."""
    return Message(
        id=notice,
        content=content(**changed),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        thread="group-1",
        attributes={"type": "fraud.detected", "severity": "high", "schema_version": "1"},
        partition=3,
    )
