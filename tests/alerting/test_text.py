"""What a producer wrote, made fit to be said."""

from __future__ import annotations

import pytest

from alerting.shapes import as_short
from alerting.text import (
    REFERENCE_SEPTETS,
    TWO_SEGMENTS,
    clipped_septets,
    gsm7,
    masked_account,
    masked_fields,
    one_line,
    septets,
)


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("4111111111111111", "****1111"),
        ("DE89 3704 0044 0532 0130 00", "****3000"),
        ("C-00001234", "****1234"),
        ("12345678", "****5678"),
        ("1234567", "****"),
        ("1234", "****"),
        ("", "****"),
        ("1-2-3-4-5-6-7", "****"),
        ("12345678\r\nBcc: x@y.z", "****cxyz"),
        ("****3000", "****3000"),
        ("****", "****"),
        ("****12345678", "****5678"),
        ("****3000\n", "****"),
    ],
)
def test_an_account_shows_four_characters_at_most_and_none_of_a_short_one(account: str, shown: str) -> None:
    assert masked_account(account) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tx-1", "tx-1"),
        ("a\r\nBcc: everybody@example.com", "a??Bcc: everybody@example.com"),
        ("a\x00\x1b[31mred", "a??[31mred"),
        ("a\u2028b\u2029c\x85d", "a?b?c?d"),
        ("pay\u202egpj.exe", "pay?gpj.exe"),
        ("zero\u200bwidth", "zero?width"),
        ("Zürich €", "Zürich €"),
    ],
)
def test_what_a_header_or_a_terminal_would_act_on_is_shown_as_a_question_mark(text: str, shown: str) -> None:
    assert one_line(text, 100) == shown


def test_a_long_text_is_cut_with_dots() -> None:
    assert one_line("x" * 1_000_000, 10) == "xxxxxxx..."
    assert one_line("x" * 10, 10) == "x" * 10


def test_text_messages_keep_to_their_alphabet() -> None:
    assert gsm7("Straße 5 € äöü [x] ~") == "Straße 5 € äöü [x] ~"
    assert gsm7("Łódź ç ñ 中文 🚨 `") == "?odz c ñ ?? ? ?"


def test_what_editors_make_of_quotes_and_dashes_is_typed_again() -> None:
    assert gsm7("„Nein“ – it’s “so”…") == '"Nein" - it\'s "so"...'  # noqa: RUF001


def test_the_account_of_a_group_is_masked_and_nothing_else() -> None:
    assert masked_fields({"account_id": "DE89370400440532013000", "account.country": "DE"}) == {
        "account_id": "****3000",
        "account.country": "DE",
    }


def test_brackets_and_the_euro_sign_count_twice() -> None:
    assert septets("abc") == 3
    assert septets("[€]") == 6


@pytest.mark.parametrize("text", ["x" * 40, "€" * 40, "x€" * 20, "", "xyz"])
def test_a_cut_text_never_takes_more_septets_than_there_are(text: str) -> None:
    cut = clipped_septets(text, 20)

    assert septets(cut) <= 20
    assert cut == text or cut.endswith("...")


def segments(text: str) -> int:
    """How many a phone puts together: 153 septets each, where the two of a bracket or euro stand in the same one."""
    if septets(text) <= 160:
        return 1
    count, room = 1, 153
    for character in text:
        if septets(character) > room:
            count, room = count + 1, 153
        room -= septets(character)
    return count


@pytest.mark.parametrize(
    "text",
    ["a" * 152 + "€" + "b" * 300, "€" * 300, "a" + "€" * 300, "a" * 151 + "€" * 80, "a" * 150 + "€" * 2 + "b" * 149],
)
def test_a_short_text_is_two_segments_with_its_reference(text: str) -> None:
    """Where the euro's two septets do not fit behind one another, the first segment ends a septet early."""
    assert segments(as_short(text) + " " * REFERENCE_SEPTETS) <= 2


def test_a_text_that_just_fits_is_whole() -> None:
    room = TWO_SEGMENTS - REFERENCE_SEPTETS

    assert as_short("a" * room) == "a" * room
    assert as_short("a" * 151 + "€" + "b" * (room - 153)) == "a" * 151 + "€" + "b" * (room - 153)
    assert as_short("a" * 152 + "€" + "b" * (room - 154)).endswith("b...")


def test_however_long_a_text_is_it_is_gone_through_once() -> None:
    """More than the sandbox lets a template write: gone through anew for each character, this never ends."""
    assert as_short("x" * 2_000_000).endswith("x...")
