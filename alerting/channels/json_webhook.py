"""What channels have in common that post JSON to a service: a class of some twenty lines is a channel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from alerting.addresses import Network
from alerting.channels import WhenUnsure
from alerting.channels.http import Answer, Poster
from alerting.channels.lookups import Resolve, addresses_of
from alerting.delivery import Failure, failure_of_status, retry_after
from alerting.destinations import Recipient
from alerting.messages import Message
from alerting.tls import trust


def clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class JsonWebhook(ABC):
    """Posts to where `url` says what `body` says. Used by several threads at once.

    Args:
        timeout_s: For a whole request.
        allowed: Networks that may be told though they are inside, and without TLS. None allows every address: only for
            a class whose URLs stand in the settings, and nothing of a recipient in them.
        ca_file: Certificates to trust instead of the system's (PEM).
        resolve: Every address of a host.
        now: The time of day, with a zone.
    """

    name: ClassVar[str]
    at_once: ClassVar[int] = 16
    when_unsure: ClassVar[WhenUnsure] = WhenUnsure.SEND_AGAIN
    one_provider: ClassVar[bool] = True

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        allowed: Sequence[Network] | None = (),
        ca_file: Path | None = None,
        resolve: Resolve = addresses_of,
        now: Callable[[], datetime] = clock,
    ) -> None:
        tls = trust(ca_file, setting=f"alerts.{self.name}.ca_file")
        self._poster = Poster(tls, timeout_s=timeout_s, allowed=allowed, whom=f"the {self.name}", resolve=resolve)
        self._now = now

    @abstractmethod
    def url(self, recipient: Recipient) -> str:
        """Where a recipient is told."""

    @abstractmethod
    def body(self, message: Message, recipient: Recipient) -> Mapping[str, Any] | bytes:
        """What is said: bytes as they are, anything else as JSON."""

    def headers(self, message: Message, recipient: Recipient, body: bytes) -> Mapping[str, str]:  # noqa: ARG002
        """Headers besides the content's type."""
        return {"idempotency-key": message.id}

    def receipt(self, message: Message, answer: Answer) -> str:  # noqa: ARG002
        """What the service calls what it took."""
        return message.id

    def failure(self, answer: Answer) -> Failure:
        """What a status other than of the 200s means."""
        after_s = retry_after(answer.headers.get("retry-after"), now=self._now())
        return failure_of_status(answer.status, f"the {self.name} answered {answer.status}", after_s=after_s)

    def deliver(self, message: Message, recipient: Recipient) -> str:
        """Accepted with any status of the 200s."""
        said = self.body(message, recipient)
        body = said if isinstance(said, bytes) else msgspec.json.encode(said)
        headers = {
            "content-type": "application/json",
            "user-agent": "fraudstream",
            **self.headers(message, recipient, body),
        }
        answer = self._poster.post(self.url(recipient), body, headers)
        if not 200 <= answer.status < 300:
            raise self.failure(answer)
        return self.receipt(message, answer)

    def find(self, message: Message, recipient: Recipient) -> str | None:  # noqa: ARG002
        """Nothing can be asked for: a repetition is known by its id."""
        return None

    def close(self) -> None:
        """Closes the connections."""
        self._poster.close()
