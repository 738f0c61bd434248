"""Amazon SNS topics through boto3: JSON for whoever subscribes."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from alerting.channels import WhenUnsure
from alerting.channels.deadline import attempt
from alerting.channels.quiet import keep_quiet
from alerting.channels.sns_http import hold_to_deadline
from alerting.channels.sns_settings import SnsSettings
from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure, failure_of_status
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from alerting.messages import Message
from alerting.provider_codes import codes_of
from alerting.text import clipped

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

_FIFO_SUFFIX: Final = ".fifo"
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than 100 characters of ASCII.
_LONGEST_SUBJECT: Final = 99


class SnsChannel:
    """Publishes to topics, each in its own region.

    Args:
        settings: Region and endpoint; credentials are found as boto3 finds them.

    Raises:
        ChannelRefused: There are no credentials, or the region or endpoint is none.
    """

    name: Final = "sns"
    at_once: Final = 8
    one_provider: Final = True

    def __init__(self, settings: SnsSettings) -> None:
        self.when_unsure: Final = WhenUnsure(settings.when_unsure)
        keep_quiet()
        self._settings = settings
        self._codes = codes_of("sns")
        # One attempt for one call: what boto3 retried by itself, the ledger would not know of. Credentials that are
        # fetched from a service have no deadline, and no more than this.
        patience = Config(
            connect_timeout=settings.timeout_s,
            read_timeout=settings.timeout_s,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=self.at_once,
        )
        beneath = botocore.session.Session()
        beneath.set_default_client_config(patience)
        self._session = boto3.session.Session(botocore_session=beneath)
        if self._session.get_credentials() is None:
            raise ChannelRefused(
                "channel 'sns' has no AWS credentials",
                remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role",
            )
        self._answered = threading.local()
        self._lock = threading.Lock()
        self._clients: dict[str, SNSClient] = {}
        if settings.region is not None or settings.topic_arn is not None:
            self._client(settings.topic_arn or "")

    def deliver(self, message: Message, recipient: Recipient) -> str:
        """Accepted once SNS has it; the receipt is its message id."""
        try:
            client = self._client(recipient.address)
        except (ChannelRefused, IndexError):
            raise Refused(FailureReason.INVALID_RECIPIENT, "the topic's ARN has no region that there is") from None
        # SNS drops a repetition within its five minutes. Alerts of a group are in order among each other.
        fifo = {"MessageGroupId": message.thread or message.id, "MessageDeduplicationId": message.id}
        self._answered.status = None
        with attempt(self._settings.timeout_s) as deadline:
            try:
                answer = client.publish(
                    TopicArn=recipient.address,
                    Subject=clipped(message.content.subject.encode("ascii", "replace").decode(), _LONGEST_SUBJECT),
                    Message=message.content.payload.decode(),
                    MessageAttributes={name: _attribute(value) for name, value in message.attributes.items()},
                    **(fifo if recipient.address.endswith(_FIFO_SUFFIX) else {}),
                )
            except ClientError as refusal:
                raise self._failure(refusal) from None
            except BotoCoreError as refusal:
                raise _unanswered(refusal, has_left=deadline.has_left) from None
            except (ResponseParserError, KeyError, TypeError, AttributeError):  # the last three from boto3's own parser
                raise self._unread() from None
        if not answer.get("MessageId"):
            raise Unsure(FailureReason.SERVER_ERROR, "SNS's answer names no message")
        return answer["MessageId"]

    def find(self, message: Message, recipient: Recipient) -> str | None:  # noqa: ARG002
        """Nothing can be asked for: FIFO topics know a repetition by its id, subscribers by its alert_id."""
        return None

    def close(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()

    def _client(self, topic_arn: str) -> SNSClient:
        """Of the topic's region, unless the settings name one."""
        settings = self._settings
        region = settings.region or topic_arn.split(":")[3]
        with self._lock:
            if region not in self._clients:
                try:
                    client = self._session.client("sns", region_name=region, endpoint_url=settings.endpoint_url)
                except (BotoCoreError, ValueError) as refusal:
                    problem = f"channel 'sns' cannot be opened ({refusal.__class__.__name__})"
                    raise ChannelRefused(problem, remedy="check alerts.sns.region and endpoint_url") from None
                hold_to_deadline(client)
                client.meta.events.register("before-parse.sns.Publish", self._remember)
                self._clients[region] = client
            return self._clients[region]

    def _remember(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        self._answered.status = response_dict.get("status_code")

    def _unread(self) -> Failure:
        """A proxy's or a load balancer's answer, whose status says that SNS has nothing of it; or nobody knows."""
        status: int | None = self._answered.status
        if status is not None and status >= 400:
            return failure_of_status(status, f"SNS answered {status}, and nothing that can be read")
        return Unsure(FailureReason.SERVER_ERROR, "SNS's answer cannot be read")

    def _failure(self, refusal: ClientError) -> Failure:
        # The code is AWS's own word; its message may quote the topic or a key's id. A proxy's answer has neither.
        code = refusal.response.get("Error", {}).get("Code", "")
        status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
        message = f"SNS answered {status} {code}".rstrip()
        meaning = self._codes.get(code)
        return failure_of_status(status, message) if meaning is None else meaning.failure(message)


def _attribute(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}


_UNANSWERED: Final[tuple[tuple[type[BotoCoreError], type[Failure], FailureReason, str], ...]] = (
    (ConnectTimeoutError, Retry, FailureReason.TIMEOUT, "SNS did not take the connection in time"),
    (SSLError, Retry, FailureReason.TLS_ERROR, "no trusted TLS connection to SNS"),
    (EndpointConnectionError, Retry, FailureReason.UNREACHABLE, "SNS cannot be reached"),
    (ReadTimeoutError, Unsure, FailureReason.TIMEOUT, "SNS did not answer in time"),
    (HTTPClientError, Unsure, FailureReason.UNREACHABLE, "the connection to SNS broke"),
    (NoCredentialsError, ChannelStopped, FailureReason.AUTH_ERROR, "no AWS credentials"),
    (PartialCredentialsError, ChannelStopped, FailureReason.AUTH_ERROR, "no AWS credentials"),
    (CredentialRetrievalError, ChannelStopped, FailureReason.AUTH_ERROR, "no AWS credentials"),
    (BotoCoreError, Refused, FailureReason.CLIENT_ERROR, "the SNS client refused"),
)


def _unanswered(refusal: BotoCoreError, *, has_left: bool) -> Failure:
    """The first row that it is an instance of: errors stand before those that they derive from."""
    if isinstance(refusal, SSLError) and not _is_of_the_certificate(refusal):
        broken = Unsure if has_left else Retry
        return broken(FailureReason.TLS_ERROR, "the TLS connection to SNS broke")
    _, kind, reason, message = next(row for row in _UNANSWERED if isinstance(refusal, row[0]))
    if kind is Unsure and not has_left:
        kind = Retry
    return kind(reason, f"{message} ({refusal.__class__.__name__})")


def _is_of_the_certificate(refusal: SSLError) -> bool:
    """A certificate is judged before anything is sent; what else TLS objects to may come after."""
    error = refusal.kwargs.get("error")
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in (error, *getattr(error, "args", ())))
