"""What `fraud alerts status` prints of entries of the ledger."""

from __future__ import annotations

import pytest

from alerting.ledger.entries import Confirmation, Held, Said, State, Tally
from alerting.ledger.reading import Known
from cli.alerts_ledger import _as_json, _print
from tests.alerting.test_attempts import NOW, delivery

# A digest's id and Twilio's of a message: what is looked up with them takes all of it.
DIGEST, MESSAGE = "0f8e5e0c-3d3c-5a3e-9d36-5a7f2b1c0d9e", "SM" + "0123456789abcdef" * 2


@pytest.mark.parametrize("said", list(Said))
def test_what_the_provider_said_later_is_the_state(said: Said) -> None:
    known = Known(
        delivery(state=State.SENT, provider_id=MESSAGE), Confirmation(id="d", said=said, code="30003", at=NOW)
    )

    assert _as_json(known)["state"] == said.value
    assert _as_json(Known(known.delivery, None))["state"] == "sent"
    assert "verdict" not in _as_json(known)


def test_ids_are_whole_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _print("t", [Known(delivery(state=State.SENT, provider_id=MESSAGE, digest=DIGEST), None)])

    shown = capsys.readouterr().out
    assert MESSAGE in shown
    assert "…" not in shown


def test_a_digest_is_named_whole_once_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    held = Known(delivery(state=State.PARKED, held=Held.GROUP, digest="key"), None)
    told = Known(delivery(id="e", state=State.SENT, alert_id=DIGEST, counts=("key",), tally=Tally(count=3)), None)
    _print("t", [held])
    waiting = " ".join(capsys.readouterr().out.split())
    _print("t", [held, told])
    shown = " ".join(capsys.readouterr().out.split())

    assert "waits for a digest" in waiting
    assert DIGEST in shown
    assert "a digest of 3" in shown


def test_a_notice_that_was_sent_is_not_said_to_have_failed(capsys: pytest.CaptureFixture[str]) -> None:
    _print("t", [Known(delivery(state=State.SENT, provider_id=MESSAGE, detail="answered 503"), None)])

    assert "503" not in capsys.readouterr().out
