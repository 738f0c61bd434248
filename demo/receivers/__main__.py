"""Runs one receiver as a process, for compose: `python -m demo.receivers twilio --host 0.0.0.0 --port 8000`.

What it has to know it reads from the alert worker's own settings (FRAUD_ALERTS__SMS__ACCOUNT_SID, ...).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final, Protocol

import structlog
import typer

from alerting.settings import AlertSettings
from cli.console import configure_logging, say_error
from cli.settings import load_settings
from cli.stopping import stop_on_signals
from demo.receivers.sns import SnsReceiver
from demo.receivers.twilio import TwilioReceiver
from demo.receivers.webhook import WebhookReceiver
from stream.errors import Mendable

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 5.0


class Kind(StrEnum):
    """Whose place is taken."""

    TWILIO = "twilio"
    SNS = "sns"
    WEBHOOK = "webhook"


class Receiver(Protocol):
    """What all of them have in common."""

    @property
    def url(self) -> str:
        """Where it listens."""

    def received(self) -> Sequence[object]:
        """Everything taken so far."""

    def close(self) -> None:
        """Answers no more."""


class SecretUnknown(Mendable):
    """The receiver cannot check what it is not told."""


def receive(
    kind: Kind,
    host: Annotated[str, typer.Option(help="0.0.0.0 to be reached from other machines.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one and logs it.")] = 0,
) -> None:
    """Stand in for a provider until SIGTERM, and log how much came."""
    settings = load_settings().settings
    configure_logging(settings.log)
    stop = stop_on_signals()
    receiver = _receiver(kind, settings.alerts, host, port)
    log.info("receiving", kind=kind.value, url=receiver.url)
    known = 0
    try:
        while not stop.wait(_LOOK_EVERY_S):
            if (count := len(receiver.received())) != known:
                known = count
                log.info("received", kind=kind.value, count=count)
    finally:
        receiver.close()


def _receiver(kind: Kind, alerts: AlertSettings, host: str, port: int) -> Receiver:
    if kind is Kind.SNS:
        return SnsReceiver(host=host, port=port)
    if kind is Kind.TWILIO and alerts.sms is not None:
        token = alerts.sms.auth_token.get_secret_value()
        return TwilioReceiver(alerts.sms.account_sid, token, host=host, port=port)
    if kind is Kind.WEBHOOK and alerts.webhook is not None and alerts.webhook.secret is not None:
        return WebhookReceiver(alerts.webhook.secret.get_secret_value(), host=host, port=port)
    section = "sms" if kind is Kind.TWILIO else kind.value
    raise SecretUnknown(
        f"section alerts.{section} is not set", remedy=f"set FRAUD_ALERTS__{section.upper()}__... as for the worker"
    )


if __name__ == "__main__":
    try:
        typer.run(receive)
    except Mendable as mendable:
        say_error(str(mendable))
        sys.exit(2)
