"""An account's holder is told where the accounts file says, or else where the transaction does."""

from __future__ import annotations

import pytest

from alerting.accounts import UNKNOWN, Account
from alerting.holders import complemented
from stream.contracts import Holder


def test_what_the_accounts_file_has_comes_first() -> None:
    known = Account(segment="private", phone="+4915112345678")

    account = complemented(known, Holder("+447700900123", "holder@mail.example", "de-AT"))

    assert account == Account("private", None, "de-AT", "+4915112345678", "holder@mail.example")


@pytest.mark.parametrize(
    "holder",
    [
        Holder(phone="0151 123", email="holder", locale="d"),
        Holder(phone="+999123456789", email="a@b\nBcc: c@d.example", locale="../../etc"),
        Holder(phone="", email="", locale=""),
        Holder(),
    ],
)
def test_what_is_no_address_is_left_out(holder: Holder) -> None:
    assert complemented(UNKNOWN, holder) == UNKNOWN
