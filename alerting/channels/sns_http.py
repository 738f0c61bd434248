"""The HTTP beneath boto3, with one end for all of an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alerting.channels.urllib3_deadline import POOLS

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient


def hold_to_deadline(client: SNSClient) -> None:
    """Has the client's connections end with the attempt, to a proxy as well.

    botocore has no setting for it: its session's table of pools, which its managers share, is the one place. What its
    own connections do besides (they wait for a 100 before an object of S3), no topic needs.
    """
    session = client._endpoint.http_session  # type: ignore[attr-defined]  # noqa: SLF001
    session._pool_classes_by_scheme.update(POOLS)  # noqa: SLF001
