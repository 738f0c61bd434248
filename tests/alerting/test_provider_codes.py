"""What providers' codes mean, shipped and of a bank's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting.delivery import ChannelStopped, Failure, FailureReason, RecipientStopped, Refused, Retry
from alerting.errors import ChannelRefused
from alerting.provider_codes import Meaning, codes_of


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("retry", Retry),
        ("refuse", Refused),
        ("stop recipient", RecipientStopped),
        ("stop channel", ChannelStopped),
    ],
)
def test_what_is_done_is_a_kind_of_failure(what: str, kind: type[Failure], tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(f'[sms]\n90001 = {{ what = "{what}", reason = "server_error" }}\n')

    failure = codes_of("sms", own)["90001"].failure("Twilio answered 400", after_s=7.0)

    assert (type(failure), failure.reason, failure.message) == (
        kind,
        FailureReason.SERVER_ERROR,
        "Twilio answered 400",
    )
    if isinstance(failure, Retry):
        assert failure.after_s == 7.0


def test_a_bank_s_own_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text('[sms]\n21610 = { what = "refuse", reason = "client_error" }\n[sns]\n')
    shipped = codes_of("sms")

    changed = codes_of("sms", own)

    assert changed == {**shipped, "21610": Meaning("refuse", FailureReason.CLIENT_ERROR)}
    assert codes_of("sns", own) == codes_of("sns")


def test_a_channel_without_codes_has_none() -> None:
    assert codes_of("webhook") == {}


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"[sms",
        b"\xff\xfe",
        b"sms = 5",
        b'[sms]\n21610 = "refuse"',
        b'[sms]\n21610 = { what = "refuse" }',
        b'[sms]\n21610 = { what = "shout", reason = "timeout" }',
        b'[sms]\n21610 = { what = "refuse", reason = "bad weather" }',
        b'[sms]\n21610 = { what = "refuse", reason = "timeout", why = "x" }',
    ],
)
def test_a_file_that_is_wrong_is_named_in_one_line_with_the_remedy(content: bytes | None, tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    if content is not None:
        own.write_bytes(content)

    with pytest.raises(ChannelRefused, match=r"'.*codes\.toml'.*write \[sms\]") as refused:
        codes_of("sms", own)

    assert "\n" not in str(refused.value)
