"""A registry in an S3 bucket, or in a store that speaks its protocol and knows conditional writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from model.registry.store import RegistryUnusable

_ABSENT: Final = frozenset({"NoSuchKey", "404", "NotFound"})
# Another write of the same key was there first, or is under way.
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


def open_s3(url: str, *, endpoint_url: str | None = None) -> S3Store:
    """The store at `s3://bucket/prefix`, with the credentials and the region that boto3 finds.

    Args:
        url: The prefix may be empty.
        endpoint_url: Of a store that is not Amazon's.

    Raises:
        RegistryUnusable: The URL names no bucket, or the endpoint is none.
    """
    parts = urlsplit(url)
    if not parts.netloc:
        raise RegistryUnusable(f"registry {url!r} names no bucket", remedy="write s3://BUCKET/PREFIX")
    try:
        client = boto3.session.Session().client("s3", endpoint_url=endpoint_url)
    except (BotoCoreError, ValueError) as refusal:
        raise RegistryUnusable(
            f"registry {url!r} cannot be opened ({refusal.__class__.__name__})",
            remedy="check model.s3_endpoint_url and what AWS_REGION says",
        ) from None
    return S3Store(client, bucket=parts.netloc, prefix=parts.path.strip("/"))


class S3Store:
    """Keys are objects of a bucket under a prefix.

    Args:
        client: boto3's, of the service s3.
        bucket: That exists.
        prefix: Without slashes at its ends; may be empty.
    """

    def __init__(self, client: Any, *, bucket: str, prefix: str) -> None:  # boto3 makes its classes when it runs
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def where(self) -> str:
        """As a URL."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> bytes | None:
        """The object's content."""
        with self._mended("read"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except self._client.exceptions.NoSuchKey:
                return None
            content: bytes = answer["Body"].read()
            return content

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        with self._mended("read"):
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as refusal:
                if refusal.response["Error"]["Code"] in _ABSENT:
                    return False
                raise
            return True

    def children(self, prefix: str) -> list[str]:
        """From a listing with the delimiter "/"."""
        whole = self._prefix + prefix
        found: list[str] = []
        with self._mended("read"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=whole, Delimiter="/"
            )
            for page in pages:
                found += [entry["Prefix"].removesuffix("/") for entry in page.get("CommonPrefixes", ())]
                found += [entry["Key"] for entry in page.get("Contents", ())]
        return sorted(name for name in (one.removeprefix(whole) for one in found) if name)

    def replace(self, key: str, content: bytes) -> None:
        """With one PUT."""
        with self._mended("written"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content)

    def create(self, key: str, content: bytes) -> bool:
        """With one PUT that S3 refuses where there is an object."""
        with self._mended("written"):
            try:
                self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content, IfNoneMatch="*")
            except ClientError as refusal:
                if refusal.response["Error"]["Code"] not in _TAKEN:
                    raise
                # An answer that was lost makes boto3 try again, and then ours is what is there.
                return self.read(key) == content
            return True

    def local(self, prefix: str) -> Path | None:  # noqa: ARG002 (the protocol's)
        """Nowhere on this machine."""
        return None

    @contextmanager
    def _mended(self, done: str) -> Iterator[None]:
        try:
            yield
        except ClientError as refusal:
            # The code is the store's own word; its message may quote a key's id.
            status, code = refusal.response["ResponseMetadata"]["HTTPStatusCode"], refusal.response["Error"]["Code"]
            raise self._refused(done, f"{status} {code}") from None
        except BotoCoreError as refusal:
            raise self._refused(done, refusal.__class__.__name__) from None

    def _refused(self, done: str, why: str) -> RegistryUnusable:
        return RegistryUnusable(
            f"registry '{self.where}' cannot be {done} ({why})",
            remedy="check the bucket, the credentials (AWS_ACCESS_KEY_ID or AWS_PROFILE) and model.s3_endpoint_url",
        )
