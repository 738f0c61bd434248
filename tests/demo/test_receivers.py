"""The receivers are as strict as what they stand for, alone and as processes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from demo.receivers.script import Fault
from demo.receivers.twilio import TwilioReceiver
from demo.receivers.webhook import WebhookReceiver
from tests.harness.waiting import wait_until

KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
SID = "AC" + "0" * 32


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, data=body, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def signed(body: bytes, *, key: bytes = KEY, at: float | None = None, message_id: str = "m-1") -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def test_the_webhook_receiver_keeps_what_is_signed_and_once() -> None:
    with closing(WebhookReceiver(SECRET)) as receiver:
        rotated = signed(b"{}")
        rotated["webhook-signature"] = "v1,AAAA " + rotated["webhook-signature"]

        assert post(receiver.url, b"{}", signed(b"{}")) == 200
        assert post(receiver.url, b"{}", rotated) == 200

        assert [event.body for event in receiver.received()] == [b"{}"]
        assert receiver.repeated == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"{}", key=bytes(24)),
        signed(b"[]"),
        signed(b"{}", at=0),
        signed(b"{}", at=time.time() + 3600),
        {**signed(b"{}"), "webhook-id": "m-2"},
        {**signed(b"{}"), "webhook-timestamp": "yesterday"},
        {**signed(b"{}"), "webhook-signature": "v1,"},
    ],
)
def test_the_webhook_receiver_refuses_what_is_not(headers: dict[str, str]) -> None:
    with closing(WebhookReceiver(SECRET)) as receiver:
        assert post(receiver.url, b"{}", headers) == 401
        assert receiver.received() == []
        assert receiver.refused == 1


@pytest.mark.parametrize(
    ("form", "token", "account", "status"),
    [
        ("To=%2B15550100001&From=Bank&Body=b", "token", SID, 201),
        ("To=%2B15550100001&From=Bank&Body=b", "another", SID, 401),
        ("To=%2B15550100001&From=Bank&Body=b", "token", "AC1", 404),
        ("To=12&From=Bank&Body=b", "token", SID, 400),
        ("To=%2B15550100001&Body=b", "token", SID, 400),
        ("To=%2B15550100001&From=Bank", "token", SID, 400),
    ],
)
def test_the_twilio_receiver_is_as_strict_as_twilio(form: str, token: str, account: str, status: int) -> None:
    login = base64.b64encode(f"{SID}:{token}".encode()).decode()
    with closing(TwilioReceiver(SID, "token")) as receiver:
        url = f"{receiver.url}/2010-04-01/Accounts/{account}/Messages.json"

        assert post(url, form.encode(), {"Authorization": f"Basic {login}"}) == status
        assert len(receiver.received()) == (status == 201)


def test_a_script_is_followed_in_order_and_then_left() -> None:
    with closing(WebhookReceiver(SECRET)) as receiver:
        receiver.script(Fault(status=503), Fault(status=429))

        statuses = [post(receiver.url, b"{}", signed(b"{}")) for _ in range(3)]

        assert statuses == [503, 429, 200]
        assert receiver.attempts == 3


@contextmanager
def process(kind: str, log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")}
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "demo.receivers", kind], env={**kept, **env}, stdout=file, stderr=file
        ) as running,
    ):
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("kind", ["twilio", "sns", "webhook"])
def test_a_receiver_runs_as_a_process_and_says_no_secret(kind: str, tmp_path: Path) -> None:
    env = {
        "FRAUD_ALERTS__SMS__ACCOUNT_SID": SID,
        "FRAUD_ALERTS__SMS__AUTH_TOKEN": "token-8271",
        "FRAUD_ALERTS__SMS__SENDER": "Bank",
        "FRAUD_ALERTS__SMS__TO": "+15558271001",
        "FRAUD_ALERTS__WEBHOOK__URL": "http://127.0.0.1:1/",
        "FRAUD_ALERTS__WEBHOOK__SECRET": SECRET,
        "FRAUD_LOG__FORMAT": "json",
    }
    log = tmp_path / "receiver.log"
    with process(kind, log, env) as running:
        wait_until(lambda: "receiving" in log.read_text(), within_s=60, what="the receiver does not start")
        url = json.loads(log.read_text().splitlines()[0])["url"]
        if kind != "sns":
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert json.load(answer) == {"count": 0, "last": []}
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0

    for private in ("token-8271", "+15558271001", SECRET):
        assert private not in log.read_text()


def test_a_receiver_that_cannot_check_says_what_it_needs(tmp_path: Path) -> None:
    log = tmp_path / "receiver.log"
    with process("twilio", log, {}) as running:
        assert running.wait(60) == 2

    assert "section alerts.sms is not set: set FRAUD_ALERTS__SMS__" in log.read_text()
