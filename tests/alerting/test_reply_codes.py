"""Reply codes: short, told apart, and made by nobody else."""

from __future__ import annotations

import random
import uuid

import pytest

from alerting.reply_codes import ReplyCode, code_of, is_of, is_ours, understood

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.mark.parametrize("partition", [0, 3, 31, 32, 1_023, 5_000])
def test_what_was_written_is_understood_however_it_is_typed(partition: int) -> None:
    code = code_of(str(uuid.uuid4()), partition, KEY)

    for typed in (str(code), code.spaced, code.spaced.lower(), f" {code.spaced.replace('-', ' ')} "):
        assert understood(typed) == code
    assert len(str(code)) <= 15


def test_figures_that_are_misread_are_understood() -> None:
    assert understood("o1234-56789-ABl") == ReplyCode("0123456789AB", 1)
    assert understood("i1234-56789-AB3") == ReplyCode("1123456789AB", 3)


@pytest.mark.parametrize(
    "text", ["", "ABC", "0123456789AB", "0123456789ABCDEFG", "U1234-56789-AB3", "01234-56789-AB\u00e4", "?" * 13]
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert understood(text) is None


def test_a_code_is_of_one_notice_and_of_these_settings() -> None:
    notices = [str(uuid.UUID(int=random.Random(number).getrandbits(128))) for number in range(10_000)]
    codes = {code_of(notice, 0, KEY) for notice in notices}

    assert len(codes) == len(notices)
    code = code_of(notices[0], 0, KEY)
    assert is_of(code, notices[0], [OTHER, KEY])
    assert not is_of(code, notices[1], [OTHER, KEY])
    assert not is_of(code, notices[0], [OTHER])
    assert is_ours(code, [OTHER, KEY])
    assert not is_ours(code, [OTHER])


def test_few_codes_that_somebody_makes_up_have_the_ledger_read() -> None:
    dice = random.Random(7)
    guesses = ["".join(dice.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(13)) for _ in range(20_000)]

    assert sum(is_ours(code, [KEY]) for guess in guesses if (code := understood(guess))) <= 5
