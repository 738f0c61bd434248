"""Stands where Amazon SNS does: moto's server with one topic, and a queue that is subscribed to it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_REGION: Final = "eu-central-1"
# moto takes any credentials; these are nobody's.
_ANY: Final = "loopback"
_POLL_AT_MOST: Final = 10


@dataclass(frozen=True)
class Notification:
    """A message as the queue got it.

    Attributes:
        id: SNS's message id.
        subject: As published.
        message: As published.
        attributes: Name to value of the message attributes.
    """

    id: str
    subject: str | None
    message: str
    attributes: dict[str, str]


class SnsReceiver:
    """Everything published to the topic arrives in the queue, from where `received` reads it.

    Args:
        host: Where to listen.
        port: 0 takes a free one.
        fifo: Makes a FIFO topic and queue.

    Attributes:
        topic_arn: Where to publish.
        region: The topic's.
        url: The endpoint of SNS.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, fifo: bool = False) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request otherwise
        self._server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
        self._server.start()
        _, taken = self._server.get_host_and_port()
        self.region: Final = _REGION
        self.url: Final = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{taken}"  # noqa: S104
        self._lock = threading.Lock()
        self._received: list[Notification] = []

        suffix, attributes = (".fifo", {"FifoTopic": "true"}) if fifo else ("", {})
        session = boto3.session.Session(aws_access_key_id=_ANY, aws_secret_access_key=_ANY, region_name=_REGION)
        self._sns = session.client("sns", endpoint_url=self.url)
        self._sqs = session.client("sqs", endpoint_url=self.url)
        self.topic_arn: Final[str] = self._sns.create_topic(Name="fraud-alerts" + suffix, Attributes=attributes)[
            "TopicArn"
        ]
        queue: Mapping[QueueAttributeNameType, str] = {"FifoQueue": "true"} if fifo else {}
        self._queue: str = self._sqs.create_queue(QueueName="fraud-alerts" + suffix, Attributes=queue)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        self._sns.subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=arn)

    def received(self) -> list[Notification]:
        """Everything that has arrived in the queue so far."""
        with self._lock:
            while arrived := self._sqs.receive_message(
                QueueUrl=self._queue, MaxNumberOfMessages=_POLL_AT_MOST, WaitTimeSeconds=0
            ).get("Messages"):
                for message in arrived:
                    self._received.append(_notification(json.loads(message["Body"])))
                    self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
            return list(self._received)

    def close(self) -> None:
        """Answers no more. moto keeps its topics for as long as the process lives: these go."""
        self._sns.delete_topic(TopicArn=self.topic_arn)
        self._sqs.delete_queue(QueueUrl=self._queue)
        self._sns.close()
        self._sqs.close()
        self._server.stop()


def _notification(body: dict[str, Any]) -> Notification:
    attributes = body.get("MessageAttributes", {})
    return Notification(
        id=body["MessageId"],
        subject=body.get("Subject"),
        message=body["Message"],
        attributes={name: attribute["Value"] for name, attribute in attributes.items()},
    )
