"""What is said of a fraud, in each language and to whom, and what never is."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser

import pytest

from alerting.accounts import Account
from alerting.facts import Links
from alerting.messages import Content
from alerting.rendering import Renderer
from alerting.text import ONE_SEGMENT, TWO_SEGMENTS, gsm7, septets
from stream.contracts import Reason
from tests.alerting.told_of import HOSTILE, alert, digest, line
from tests.alerting.verdicts import ACCOUNT, MASKED

LINKS = Links(acknowledge="https://alerts.bank.example/ack?t=a&b=c", code="K7M2")
WHOM = list(itertools.product(("analyst", "holder"), ("en", "de")))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    def fail(failure: object) -> None:
        pytest.fail(f"a shipped template failed: {failure}")

    return Renderer(on_failure=fail)


def everything(renderer: Renderer) -> Iterator[Content]:
    for template, locale in WHOM:
        yield renderer.render_alert(alert(), template=template, locale=locale, links=LINKS)
        yield renderer.render_digest(digest(), template=template, locale=locale, links=LINKS)


class _Shown(HTMLParser):
    """What a reader of HTML sees, and where it leads."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str | None] = []
        self.tags: set[str] = set()
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(content: Content) -> _Shown:
    assert content.html is not None
    return _Shown(content.html)


def test_shipped_templates_have_no_problems(renderer: Renderer) -> None:
    assert renderer.problems() == []
    assert renderer.templates == {"analyst", "holder"}


def test_an_analyst_is_told_what_matters(renderer: Renderer) -> None:
    reasons = (Reason("amount", 1234.5, 0.12), Reason("V14", -4.2, 0.03))
    fraud = alert(reasons=reasons)
    told = renderer.render_alert(fraud, template="analyst", locale="en", links=LINKS)

    assert told.subject == f"Fraud suspected (high): EUR 1,234.50, account {MASKED}"
    assert told.short == (
        f"Fraud suspected (high): EUR 1,234.50, account {MASKED}, 2026-01-31 12:00 UTC, 97.3%, transaction tx-0001"
    )
    assert told.text == (
        "A card transaction was judged fraudulent.\n"
        "\n"
        "Severity:    high\n"
        "Amount:      EUR 1,234.50\n"
        f"Account:     {MASKED}\n"
        "Time:        2026-01-31 12:00:05 UTC\n"
        "Probability: 97.3% (threshold 50.0%)\n"
        "Transaction: tx-0001\n"
        "Judged:      2026-01-31 12:00:06 UTC by simulated 1\n"
        "Record:      transactions, partition 0, offset 0\n"
        f"Alert:       {fraud.id}\n"
        "\n"
        "Why:\n"
        "- amount 1,234.50 is unusual: raised the probability by 12 points\n"
        "- V14 = -4.2 raised the probability by 3.0 points\n"
        "\n"
        "Acknowledge (fraud or not): https://alerts.bank.example/ack?t=a&b=c\n"
        "Code: K7M2\n"
    )
    html = shown(told)
    assert html.links == [LINKS.acknowledge]
    for fact in ("tx-0001", MASKED, "97.3% (threshold 50.0%)", "V14 = -4.2 raised the probability by 3.0 points"):
        assert fact in html.text


def test_german_is_german_down_to_the_figures(renderer: Renderer) -> None:
    reasons = (Reason("night", 1.0, 0.12), Reason("V14", -4.2, 0.03))
    told = renderer.render_alert(alert(reasons=reasons), template="analyst", locale="de")

    assert told.subject == f"Betrugsverdacht (hoch): 1.234,50 EUR, Konto {MASKED}"
    assert "31.01.2026 12:00 UTC, 97,3 %" in told.short
    assert "- nachts: erhöhte die Wahrscheinlichkeit um 12 Punkte\n" in told.text
    assert "- V14 = -4,2 erhöhte die Wahrscheinlichkeit um 3,0 Punkte\n" in told.text
    assert told.html is not None
    assert '<html lang="de">' in told.html


@pytest.mark.parametrize("locale", ["en", "de"])
def test_a_holder_is_told_what_to_do_and_led_nowhere(renderer: Renderer, locale: str) -> None:
    reasons = (Reason("V14", -4.2, 0.03),)
    for told in (
        renderer.render_alert(alert(reasons=reasons), template="holder", locale=locale, links=LINKS),
        renderer.render_digest(digest(), template="holder", locale=locale, links=LINKS),
    ):
        html = shown(told)
        assert html.links == []
        for text in (told.subject, told.short, told.text, html.text):
            assert "http" not in text
            # What the model thinks helps nobody but the next fraudster.
            assert not any(word in text for word in ("V14", "97.3", "97,3", "99.1", "99,1", "K7M2"))
        for text in (told.short, told.text, html.text):
            assert "PIN" in text
            assert ("number on" if locale == "en" else "Nummer auf") in text
        assert "EUR" in told.short
        assert MASKED in told.short


def test_a_digest_says_how_many_and_how_much(renderer: Renderer) -> None:
    told = renderer.render_digest(digest(count=1037, without_amount=3), template="analyst", locale="en", links=LINKS)

    assert told.subject == f"1,037 further frauds suspected: EUR 14,000.10, account {MASKED}"
    assert told.short == (
        f"1,037 further frauds suspected: EUR 14,000.10, account {MASKED}, 2026-01-31 12:00 to 12:04 UTC. "
        "Strongest: EUR 900.00, 99.1%"
    )
    assert told.text == (
        "1,037 further card transactions were judged fraudulent since the last notice.\n"
        "\n"
        "Total:       EUR 14,000.10\n"
        "No amount:   3\n"
        "Time:        2026-01-31 12:00 to 12:04 UTC\n"
        f"Account:     {MASKED}\n"
        "Digest:      5d3c7f0e-2f2c-5d46-8a44-6a7f4f0f9b10\n"
        "\n"
        "The strongest:\n"
        f"- EUR 900.00, 99.1%, high, 2026-01-31 12:00 UTC, account {MASKED}, transaction tx-0001\n"
        f"- EUR 900.00, 98.0%, high, 2026-01-31 12:00 UTC, account {MASKED}, transaction tx-0002\n"
        "And 1,035 more.\n"
        "\n"
        "Acknowledge: https://alerts.bank.example/ack?t=a&b=c\n"
        "Code: K7M2\n"
    )
    assert "And 1,035 more." in shown(told).text


def test_a_digest_of_one_is_not_several(renderer: Renderer) -> None:
    one = digest(count=1, strongest=(line(),))

    assert renderer.render_digest(one, template="analyst", locale="en").subject.startswith("1 further fraud suspected")
    assert "1 weiterer Betrugsfall" in renderer.render_digest(one, template="analyst", locale="de").subject


def test_what_a_digest_has_in_common_is_said_and_accounts_are_masked_there_too(renderer: Renderer) -> None:
    told = renderer.render_digest(
        digest(fields={"account_id": ACCOUNT, "account.country": "DE"}), template="analyst", locale="en"
    )

    assert f"Account:     {MASKED}\n" in told.text
    assert "In common:   account.country DE\n" in told.text
    assert json.loads(told.payload)["data"]["group"] == {"account_id": MASKED, "account.country": "DE"}


def test_many_currencies_are_the_largest_three_and_a_count(renderer: Renderer) -> None:
    sums = {f"X{number:02}": f"{number}.5" for number in range(1, 40)}
    told = renderer.render_digest(digest(sums=sums), template="analyst", locale="en")

    assert "Total:       X39 39.50, X38 38.50, X37 37.50 and 36 other currencies\n" in told.text
    data = json.loads(told.payload)["data"]
    assert len(data["sums"]) == 20
    assert data["currencies"] == 39


def test_unknown_facts_are_left_out(renderer: Renderer) -> None:
    bare = alert(account_id=None, amount=None, currency=None)
    told = renderer.render_alert(bare, template="analyst", locale="en")

    assert told.subject == "Fraud suspected (high): amount not known"
    assert told.short.startswith("Fraud suspected (high): amount not known, 2026-01-31 12:00 UTC")
    assert "Account:     not known" in told.text
    assert "Why" not in told.text
    assert "Acknowledge" not in told.text
    assert json.loads(told.payload)["data"]["account"] is None
    holder = renderer.render_alert(bare, template="holder", locale="de")
    assert "Konto:" not in holder.text
    empty = renderer.render_digest(
        digest(count=0, sums={}, first=None, last=None, strongest=(), fields={}), template="analyst", locale="en"
    )
    assert "None" not in "".join((empty.subject, empty.short, empty.text, shown(empty).text))


@pytest.mark.parametrize(
    ("account", "hidden"),
    [(ACCOUNT, ACCOUNT[:-4]), ("4111 7777 7777 1111", "7777"), ("87654321", "8765"), ("8765", "8765")],
)
@pytest.mark.parametrize(("template", "locale"), WHOM)
def test_no_account_number_is_in_anything_that_is_said(
    renderer: Renderer, template: str, locale: str, account: str, hidden: str
) -> None:
    person = Account(phone="+4915112345678", email="holder@example.com")
    alone = renderer.render_alert(alert(account_id=account, account=person), template=template, locale=locale)
    together = renderer.render_digest(
        digest(fields={"account_id": account}, strongest=(line(account=account),)), template=template, locale=locale
    )

    for told in (alone, together):
        for said in (told.subject, told.short, told.text, told.html or "", told.payload.decode()):
            assert account not in said
            assert hidden not in said
            assert "15112345678" not in said
            assert "holder@" not in said


def test_the_same_input_gives_the_same_bytes_to_every_thread(renderer: Renderer) -> None:
    fraud = alert(reasons=(Reason("amount", 1234.5, 0.12),))

    with ThreadPoolExecutor(4) as threads:
        told = set(
            threads.map(lambda _: renderer.render_alert(fraud, template="analyst", locale="de", links=LINKS), range(40))
        )

    assert told == {Renderer().render_alert(fraud, template="analyst", locale="de", links=LINKS)}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("template", "locale"), WHOM)
def test_whatever_a_producer_writes_stays_in_its_place(
    renderer: Renderer, template: str, locale: str, hostile: str
) -> None:
    person = Account(segment=hostile, country=hostile)
    fraud = alert(
        transaction_id=hostile,
        account_id=hostile,
        currency=hostile,
        severity=hostile,
        account=person,
        reasons=(Reason(hostile, 1.0, 0.5),),
    )
    many = digest(
        fields={"account_id": hostile, "account.segment": hostile},
        sums={hostile: "1e400", "EUR": "1"},
        strongest=(line(transaction_id=hostile, account=hostile, currency=hostile, severity=hostile),) * 5,
    )
    usual = renderer.render_alert(
        alert(reasons=(Reason("x", 1.0, 0.5),), currency="EUR"), template=template, locale=locale
    )
    told = renderer.render_alert(fraud, template=template, locale=locale)
    together = renderer.render_digest(many, template=template, locale=locale)

    assert told.text.count("\n") == usual.text.count("\n")
    assert shown(told).tags == shown(usual).tags
    for each in (told, together):
        assert each.subject.isprintable()
        assert len(each.subject) < 100
        assert each.short.isprintable()
        assert each.short == gsm7(each.short)
        assert septets(each.short) <= TWO_SEGMENTS
        assert each.text.replace("\n", "").isprintable()
        assert len(each.text) < 4_000
        assert "script" not in shown(each).tags
        assert len(each.payload) < 20_000
    assert len(json.loads(told.payload)["data"]["transaction_id"]) <= 512


@pytest.mark.parametrize(("template", "locale"), WHOM)
def test_a_usual_text_message_is_one_segment_with_room_for_a_reference(
    renderer: Renderer, template: str, locale: str
) -> None:
    fraud = alert(transaction_id="9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", severity="critical", amount=12_345.67)

    for told in (
        renderer.render_alert(fraud, template=template, locale=locale),
        renderer.render_digest(digest(), template=template, locale=locale),
    ):
        assert septets(told.short + " #a1b2") <= ONE_SEGMENT
        assert "..." not in told.short


def test_a_long_id_is_cut_where_that_makes_one_segment(renderer: Renderer) -> None:
    told = renderer.render_alert(alert(transaction_id="x" * 512), template="analyst", locale="en")

    assert septets(told.short) <= ONE_SEGMENT - 6
    assert told.short.endswith("xxx...")


@pytest.mark.parametrize(("locale", "spoken"), [
    ("de-AT", "de"), ("de_CH", "de"), ("DE", "de"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("../../etc", "en"),
])  # fmt: skip
def test_a_language_that_is_not_there_falls_back(renderer: Renderer, locale: str, spoken: str) -> None:
    told = renderer.render_alert(alert(), template="analyst", locale=locale)

    assert told == renderer.render_alert(alert(), template="analyst", locale=spoken)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0.0, "EUR 0.00"),
        (-5.0, "EUR -5.00"),
        (1e308, "EUR 1e+308"),
        (123456789.125, "EUR 123,456,789.12"),
    ],
)
def test_any_amount_is_short_enough_to_be_said(renderer: Renderer, amount: float, said: str) -> None:
    told = renderer.render_alert(alert(amount=amount), template="analyst", locale="en")

    assert told.subject == f"Fraud suspected (high): {said}, account {MASKED}"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 1, 31, 13, 0, tzinfo=timezone(timedelta(hours=1))), "2026-01-31 12:00 UTC"),
        (datetime(9999, 12, 31, 23, 0, tzinfo=timezone(timedelta(hours=-5))), "9999-12-31 23:00-05:00"),
        (datetime(1, 1, 1, 0, 0, tzinfo=timezone(timedelta(hours=5))), "0001-01-01 00:00+05:00"),
        (datetime(1, 1, 1, 0, 0, tzinfo=UTC), "0001-01-01 00:00 UTC"),
    ],
)
def test_times_are_said_in_utc_as_far_as_it_reaches(renderer: Renderer, moment: datetime, said: str) -> None:
    assert f", {said}, " in renderer.render_alert(alert(event_time=moment), template="analyst", locale="en").short
    together = renderer.render_digest(digest(first=moment, last=moment), template="analyst", locale="en")
    assert said in together.text


def test_two_alerts_that_differ_are_two_texts(renderer: Renderer) -> None:
    fraud = alert()
    other = replace(fraud, severity="low")

    assert renderer.render_alert(fraud, template="analyst", locale="en") != renderer.render_alert(
        other, template="analyst", locale="en"
    )
    assert len({content.short for content in everything(renderer)}) == 8
