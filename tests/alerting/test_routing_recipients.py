"""Addresses in the routing file: which have the form that their channel takes."""

from __future__ import annotations

import pytest

from alerting.routing.forms import mail_address, phone_number, topic_arn, url


@pytest.mark.parametrize("number", ["+4915112345678", "+15550100", "+12025550123"])
def test_numbers_that_there_can_be_are_taken(number: str) -> None:
    assert phone_number(number) == number


@pytest.mark.parametrize(
    "number",
    [
        "4915112345678",
        "+49 151 12345678",
        "+99912345678",  # no such country
        "+1202555012345",  # fits E.164, and is too long for its country
        "+4900",
        "+١٢٣٤٥٦٧٨",
        "",
    ],
)
def test_numbers_that_there_cannot_be_are_refused(number: str) -> None:
    assert phone_number(number) is None


def test_mail_addresses_are_told_from_what_is_none() -> None:
    assert mail_address("desk@bank.example") == "desk@bank.example"
    assert mail_address("desk@münchen.example") == "desk@xn--mnchen-3ya.example"
    for inside in ("desk@bank.local", "desk@mail.bank.internal", "a@b.test", "a@b.invalid", "root@localhost"):
        assert mail_address(inside) == inside
    for wrong in (
        "desk",
        "desk@bank",
        "desk@10.0.0.1",
        "desk@[10.0.0.1]",
        "a b@bank.example",
        "dësk@bank.example",
        "a@b.example\nBcc: c@d.example",
    ):
        assert mail_address(wrong) is None


def test_urls_have_a_host_and_no_password() -> None:
    for right in ("https://a.example", "http://127.0.0.1:8080/hook?x=1", "https://[::1]:8443/"):
        assert url(right) == right
    for wrong in (
        "ftp://a.example",
        "https://",
        "https://u:p@a.example",
        "https://a.example/#part",
        "https://a.example:99999",
        "https://[::1",
        "https://a.example/a b",
        "https://ä.example",
    ):
        assert url(wrong) is None


def test_topics_are_named_by_their_arn() -> None:
    assert topic_arn("arn:aws:sns:eu-central-1:123456789012:fraud.fifo") is not None
    assert topic_arn("arn:aws:sqs:eu-central-1:123456789012:fraud") is None
    assert topic_arn("arn:aws:sns:eu-central-1:123:fraud") is None
