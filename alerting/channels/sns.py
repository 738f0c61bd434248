"""An Amazon SNS topic through boto3: JSON for whoever subscribes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ConnectionError as ConnectionFailed
from botocore.parsers import ResponseParserError

from alerting.contracts import FRAUD_DETECTED, SCHEMA_VERSION
from alerting.delivery import Failure, FailureReason, Refused, Retry, failure_of_status
from alerting.errors import ChannelRefused
from alerting.message import Alert
from alerting.settings import SnsSettings
from alerting.text import clipped
from stream.contracts import Ruling

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

_FIFO_SUFFIX: Final = ".fifo"
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: fewer than 100 characters of ASCII.
_LONGEST_SUBJECT: Final = 99
# Some of them come with status 400, as if the request had been wrong.
_THROTTLED: Final = frozenset(
    {"Throttled", "Throttling", "ThrottlingException", "KMSThrottling", "KMSThrottlingException"}
)


def open_channel(settings: SnsSettings) -> SnsChannel:
    """The channel with the credentials that boto3 finds.

    Raises:
        ChannelRefused: There are none, or the region or endpoint is none.
    """
    session = boto3.session.Session()
    if session.get_credentials() is None:
        raise ChannelRefused(
            "channel 'sns' has no AWS credentials",
            remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role",
        )
    # One attempt for one call: what boto3 retried by itself, our budget would not know of.
    config = Config(
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    region = settings.region or settings.topic_arn.split(":")[3]
    try:
        client = session.client("sns", region_name=region, endpoint_url=settings.endpoint_url, config=config)
    except (BotoCoreError, ValueError) as refusal:
        problem = f"channel 'sns' cannot be opened ({refusal.__class__.__name__})"
        raise ChannelRefused(problem, remedy="check alerts.sns.region and alerts.sns.endpoint_url") from None
    return SnsChannel(client, settings.topic_arn)


class SnsChannel:
    """Publishes to one topic.

    Args:
        client: Makes one attempt for one call.
        topic_arn: Ends in `.fifo` for a topic that drops repetitions.
    """

    name: Final = "sns"

    def __init__(self, client: SNSClient, topic_arn: str) -> None:
        self.recipients: Final = (topic_arn,)
        self._client = client

    def deliver(self, alert: Alert, recipient: str) -> str:
        """Accepted once SNS has it; the receipt is its message id."""
        # The deduplication id is the alert's, so that SNS drops a repetition within its five minutes; and so is
        # the group's: alerts need no order among each other.
        fifo = {"MessageGroupId": alert.id, "MessageDeduplicationId": alert.id}
        try:
            answer = self._client.publish(
                TopicArn=recipient,
                Subject=clipped(alert.subject.encode("ascii", "replace").decode(), _LONGEST_SUBJECT),
                Message=alert.payload.decode(),
                MessageAttributes=_ATTRIBUTES,
                **(fifo if recipient.endswith(_FIFO_SUFFIX) else {}),
            )
        except ClientError as refusal:
            raise _answered(refusal) from None
        except BotoCoreError as refusal:
            raise _unanswered(refusal) from None
        except ResponseParserError:
            raise Retry(FailureReason.SERVER_ERROR, "SNS's answer cannot be read") from None
        return answer["MessageId"]

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _attribute(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}


# For the subscribers' filter policies.
_ATTRIBUTES: Final = {
    "type": _attribute(FRAUD_DETECTED),
    "verdict": _attribute(Ruling.FRAUD),
    "schema_version": _attribute(SCHEMA_VERSION),
}


def _answered(refusal: ClientError) -> Failure:
    # The code is AWS's own word; its message may quote the topic or a key's id.
    code = refusal.response["Error"]["Code"]
    status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
    message = f"SNS answered {status} {code}"
    if code in _THROTTLED:
        return Retry(FailureReason.RATE_LIMITED, message)
    return failure_of_status(status, message)


def _unanswered(refusal: BotoCoreError) -> Failure:
    kind = refusal.__class__.__name__
    if isinstance(refusal, ConnectTimeoutError | ReadTimeoutError):
        return Retry(FailureReason.TIMEOUT, "SNS did not answer in time")
    if isinstance(refusal, SSLError):
        return Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to SNS")
    if isinstance(refusal, ConnectionFailed | HTTPClientError):
        return Retry(FailureReason.UNREACHABLE, f"SNS cannot be reached ({kind})")
    if isinstance(refusal, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return Refused(FailureReason.AUTH_ERROR, f"no AWS credentials ({kind})")
    return Refused(FailureReason.CLIENT_ERROR, f"the SNS client refused ({kind})")
