"""An S3 of the test's own: moto's server, and buckets that no other test uses."""

from __future__ import annotations

import logging
import uuid
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer

# moto takes any credentials; these are nobody's.
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "loopback",
    "AWS_SECRET_ACCESS_KEY": "loopback",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class S3Server:
    """Listens on a free port of the loopback until it is closed.

    Attributes:
        url: The endpoint.
    """

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request otherwise
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        _, port = self._server.get_host_and_port()
        self.url: Final = f"http://127.0.0.1:{port}"
        self.client: Any = boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        ).client("s3", endpoint_url=self.url)

    def new_bucket(self) -> str:
        """The name of an empty bucket."""
        name = f"models-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def close(self) -> None:
        """Answers no more."""
        self.client.close()
        self._server.stop()
