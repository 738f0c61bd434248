"""Links by which analysts answer: what they stand for, who may make one, and what an answer comes to."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.acknowledging import (
    Answered,
    Said,
    Token,
    TokenExpired,
    TokenRefused,
    answer_of,
    answers_to,
    link,
    respond,
    short_link,
    signed,
    token_of,
    verified,
)
from alerting.destinations import Destination, Grouping, Recipient
from alerting.labels import Label, Word
from alerting.ledger.entries import Delivery, Tally
from alerting.notices import notice, overflow_id
from alerting.reply_codes import ReplyCode, code_of
from alerting.silencing import Kind, flaw
from stream.contracts import MAX_ID_LENGTH, Source
from stream.pages import Answer, Asked
from tests.alerting.verdicts import ACCOUNT, verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOLD = timedelta(hours=4)
KEYS = [b"a" * 32]
ADDRESS = "desk@bank.example"


def delivery(**changed: Any) -> Delivery:
    """A notice about one alert."""
    destination = Destination("fraud-desk", "email", Recipient(ADDRESS), "analyst", Grouping(("account_id",)), "route")
    made = notice("alert-1", verdict(), destination, group="0f0f", now=NOW, expires_at=NOW + timedelta(hours=1))
    return Delivery(**{name: getattr(made, name) for name in made.__struct_fields__} | changed)


def token(**changed: Any) -> Token:
    made = token_of(delivery(**changed), expires=NOW + timedelta(hours=72))
    assert made is not None
    return made


def asked(text: str, method: str = "GET", body: bytes = b"") -> tuple[Answer, Answered | None]:
    return respond(Asked(method, f"/ack?t={text}", {}, body), KEYS, now=NOW, hold=HOLD)


def test_a_link_leads_back_to_its_alert() -> None:
    text = signed(token(), KEYS)

    assert link("https://alerts.bank.example/", text) == f"https://alerts.bank.example/ack?t={text}"
    assert verified(text, KEYS, now=NOW) == token()


def test_a_link_needs_no_escape_and_tells_of_nobody() -> None:
    text = signed(token(), KEYS)

    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    body = text.partition(".")[0]
    plain = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    assert not any(private.encode() in plain for private in (ACCOUNT, ADDRESS, "bank.example"))


def test_there_is_no_link_where_there_is_nothing_to_answer() -> None:
    assert token_of(delivery(group=None), expires=NOW) is None
    assert token_of(delivery(source=None), expires=NOW) is None
    overflow = overflow_id(delivery().receiver, delivery().channel, delivery().recipient)
    assert token_of(delivery(group=overflow, tally=Tally(count=3), source=None), expires=NOW) is None


def test_a_link_is_the_same_at_every_attempt() -> None:
    assert signed(token(attempts=3), KEYS) == signed(token(), KEYS)


@pytest.mark.parametrize("place", [0, 1, 30, -30, -1])
def test_a_link_that_was_changed_is_refused(place: int) -> None:
    text = list(signed(token(), KEYS))
    # The highest of its six bits: the lowest of a last character may stand for nothing.
    text[place] = "A" if text[place] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef" else "9"

    with pytest.raises(TokenRefused):
        verified("".join(text), KEYS, now=NOW)


@pytest.mark.parametrize("text", ["", ".", "x", "a.b", "é.é", "\udcff.a", "=.=", "A" * 100_000, f"{'A' * 9000}.AAAA"])
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        verified(text, KEYS, now=NOW)


def test_another_key_and_another_use_of_the_key_are_refused() -> None:
    body = base64.urlsafe_b64decode(signed(token(), KEYS).partition(".")[0] + "==")
    otherwise = base64.urlsafe_b64encode(hmac.digest(KEYS[0], body, "sha256")).decode().rstrip("=")

    for text in (signed(token(), [b"b" * 32]), f"{signed(token(), KEYS).partition('.')[0]}.{otherwise}"):
        with pytest.raises(TokenRefused):
            verified(text, KEYS, now=NOW)


def test_while_secrets_rotate_the_first_signs_and_all_are_taken() -> None:
    old, new = b"o" * 32, b"n" * 32
    before, after = signed(token(), [old]), signed(token(), [new, old])

    assert verified(before, [new, old], now=NOW) == token()
    assert verified(after, [new], now=NOW) == token()
    with pytest.raises(TokenRefused):
        verified(after, [old], now=NOW)


def test_a_link_works_until_it_expires() -> None:
    text = signed(token(), KEYS)

    assert verified(text, KEYS, now=NOW + timedelta(hours=72)) == token()
    with pytest.raises(TokenExpired):
        verified(text, KEYS, now=NOW + timedelta(hours=72, seconds=1))


@pytest.mark.parametrize(("said", "word"), [(Said.FRAUD, Word.FRAUD), (Said.LEGITIMATE, Word.LEGITIMATE)])
def test_an_answer_is_a_label_and_quiet_for_the_group(said: Said, word: Word) -> None:
    answered = answer_of(token(), said, by="kim", now=NOW, hold=HOLD)

    source = Source(topic="transactions", partition=0, offset=0)
    assert answered.label == Label(
        transaction_id="tx-0001", source=source, alert_id="alert-1", label=word, by="kim", at=NOW
    )
    silence = answered.silence
    assert (silence.kind, silence.group, silence.author, silence.ends_at) == (
        Kind.ACKNOWLEDGED,
        "0f0f",
        "kim",
        NOW + HOLD,
    )
    assert silence.is_active(NOW)
    assert flaw(silence) is None


def test_seen_is_no_label() -> None:
    assert answer_of(token(), Said.SEEN, by="kim", now=NOW, hold=HOLD).label is None


def test_answers_about_one_group_are_one_silence() -> None:
    alerts = [token(), token(alert_id="alert-2"), token(group="another")]
    first, second, other = (answer_of(one, Said.SEEN, by="kim", now=NOW, hold=HOLD).silence.id for one in alerts)

    assert first == second != other


def test_of_a_digest_only_that_it_was_seen() -> None:
    digest = token(tally=Tally(count=12))
    text = signed(digest, KEYS)

    assert answers_to(digest) == (Said.SEEN,)
    shown, _ = asked(text)
    assert b"tx-0001" not in shown.body
    assert b'value="seen"' in shown.body
    assert b'value="fraud"' not in shown.body
    refused, nothing = asked(text, "POST", b"said=fraud")
    assert (refused.status, nothing) == (400, None)
    taken, answered = asked(text, "POST", b"said=seen")
    assert (taken.status, answered and answered.label) == (200, None)
    assert answered is not None


def test_opening_the_link_changes_nothing() -> None:
    shown, answered = asked(signed(token(), KEYS))

    assert (shown.status, answered) == (200, None)
    assert b"Transaction tx-0001" in shown.body
    assert all(f'value="{said.value}"'.encode() in shown.body for said in Said)


def test_posting_an_answer_takes_it_in_the_name_of_the_recipient() -> None:
    done, answered = asked(signed(token(), KEYS), "POST", b"said=legitimate")

    assert done.status == 200
    assert b"2026-01-31 16:00 UTC" in done.body
    assert answered is not None
    assert answered.label is not None
    assert answered.label.label is Word.LEGITIMATE
    assert answered.label.by == f"fraud-desk/{Recipient(ADDRESS).fingerprint('email')}"


@pytest.mark.parametrize("body", [b"", b"said=", b"said=maybe", b"\xff\xfe", b"said=%ff"])
def test_a_post_that_says_nothing_is_asked_again(body: bytes) -> None:
    again, answered = asked(signed(token(), KEYS), "POST", body)

    assert (again.status, answered) == (400, None)
    assert b"<button" in again.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_bad_and_expired_links_are_told_apart_and_take_no_answer(method: str) -> None:
    bad = respond(Asked(method, "/ack", {}, b"said=fraud"), KEYS, now=NOW, hold=HOLD)
    old = respond(
        Asked(method, f"/ack?t={signed(token(), KEYS)}", {}, b"said=fraud"),
        KEYS,
        now=NOW + timedelta(days=9),
        hold=HOLD,
    )

    assert [(answer.status, answered) for answer, answered in (bad, old)] == [(403, None), (410, None)]
    assert all(b"<button" not in answer.body and b"tx-0001" not in answer.body for answer, _ in (bad, old))


def test_what_a_producer_called_its_transaction_is_no_html() -> None:
    shown, _ = asked(signed(token(transaction_id='<script>"&{0}'), KEYS))

    assert b"<script" not in shown.body
    assert b"&lt;script&gt;&quot;&amp;{0}" in shown.body


def test_what_a_producer_called_its_transaction_does_not_turn_the_page_s_writing() -> None:
    shown, _ = asked(signed(token(transaction_id="tx-\u202e1000\n"), KEYS))

    assert b"Transaction tx-?1000?." in shown.body


@pytest.mark.parametrize("character", ["x", "\u00e9", "\u6f22", "\U0001f600"])
def test_the_longest_id_has_a_link_that_works(character: str) -> None:
    source = Source(topic="t" * 249, partition=2**31 - 1, offset=2**63 - 1)
    longest = token(transaction_id=character * MAX_ID_LENGTH, source=source)

    shown, _ = asked(signed(longest, KEYS))

    assert shown.status == 200


def test_the_page_runs_nothing_loads_nothing_and_is_kept_by_nobody() -> None:
    shown, _ = asked(signed(token(), KEYS))

    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert not any(word in shown.body for word in (b"<script", b"src=", b"href=", b"url("))


def test_a_reply_code_leads_to_the_page_of_its_alert() -> None:
    code = code_of(delivery().id, 3, KEYS[0])

    def find(asked_for: ReplyCode) -> Token | None:
        return token() if asked_for == code else None

    def ask(text: str, now: datetime = NOW, method: str = "GET", body: bytes = b"") -> tuple[Answer, Answered | None]:
        return respond(Asked(method, f"/ack?c={text}", {}, body), KEYS, now=now, hold=HOLD, find=find)

    shown, nothing = ask(str(code))
    answer, answered = ask(code.spaced.lower(), method="POST", body=b"said=fraud")

    assert short_link("https://alerts.bank.example/", code) == f"https://alerts.bank.example/ack?c={code}"
    assert (shown.status, nothing, answer.status) == (200, None, 200)
    assert answered is not None
    assert answered.label is not None
    assert [ask(text)[0].status for text in ("", "0123456789ABC", "no code")] == [403, 403, 403]
    assert ask(str(code), now=NOW + timedelta(days=30))[0].status == 410


def test_the_page_says_what_an_answer_holds_back() -> None:
    named = {"account_id": "****3000"}
    shown, _ = asked(signed(token(fields=named), KEYS))
    everything, _ = asked(signed(token(), KEYS))
    country, _ = asked(signed(token(fields={"account.country": "DE"}, account="abcd"), KEYS))

    assert b"account ****3000" in shown.body
    assert b"every account, for fraud-desk" in everything.body
    assert b"account.country DE and its account" in country.body
    answered = answer_of(token(fields=named, account="abcd"), Said.SEEN, by="kim", now=NOW, hold=HOLD)
    assert (answered.silence.group, answered.silence.account) == ("0f0f", "abcd")
    assert answered.silence.reason == "seen: account ****3000"


def test_answers_about_two_accounts_of_a_group_hold_both_back() -> None:
    def answered(account: str) -> str:
        return answer_of(token(account=account), Said.SEEN, by="kim", now=NOW, hold=HOLD).silence.id

    assert answered("x") == answered("x") != answered("y")
