"""A bank's own templates: which are taken, what is wrong with them, and what is said where one fails."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from alerting.catalog import SHIPPED
from alerting.facts import AlertFacts, DigestFacts, LineFacts, Links
from alerting.messages import Content
from alerting.rendering import Renderer, TemplateFailure
from alerting.text import TWO_SEGMENTS, gsm7, septets
from tests.alerting.told_of import alert, digest
from tests.alerting.verdicts import MASKED

SUBJECT = "en/analyst/alert/subject.txt.j2"
SMS = "en/analyst/alert/sms.txt.j2"
TEXT = "en/analyst/alert/body.txt.j2"
HTML = "en/analyst/alert/body.html.j2"


class Bank:
    """A folder of templates, and what failed of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: list[TemplateFailure] = []

    def write(self, name: str, text: str) -> Bank:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)
        return self

    def renderer(self) -> Renderer:
        return Renderer(self.folder, on_failure=self.failures.append)

    def problems(self) -> list[str]:
        return self.renderer().problems()

    def alert(self, *, template: str = "analyst", locale: str = "en", **changed: Any) -> Content:
        return self.renderer().render_alert(alert(**changed), template=template, locale=locale)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return Bank(tmp_path)


def test_a_file_of_the_banks_replaces_that_file_alone(bank: Bank) -> None:
    bank.write(SUBJECT, "Bank: {{ alert.amount }}")
    shipped = Renderer().render_alert(alert(), template="analyst", locale="en")
    told = bank.alert()

    assert bank.problems() == []
    assert told.subject == "Bank: EUR 1,234.50"
    assert (told.short, told.text, told.html) == (shipped.short, shipped.text, shipped.html)
    assert bank.alert(locale="de").subject.startswith("Betrugsverdacht")


def test_the_nearest_language_is_taken_part_by_part(bank: Bank) -> None:
    bank.write("de-AT/analyst/alert/subject.txt.j2", "Servus: {{ alert.amount }} ({{ locale }})")

    assert bank.alert(locale="de_at").subject == "Servus: 1.234,50 EUR (de-at)"
    assert bank.alert(locale="de_at").short == bank.alert(locale="de").short
    assert bank.alert(locale="de").subject.startswith("Betrugsverdacht")


def test_a_template_of_the_banks_own_speaks_to_whom_it_likes(bank: Bank) -> None:
    for kind in ("alert", "digest"):
        for part in ("subject", "sms", "body"):
            bank.write(f"de/vip/{kind}/{part}.txt.j2", f"{{{{ {kind}.account }}}} {part}")

    assert bank.problems() == []
    assert bank.renderer().templates == {"analyst", "holder", "vip"}
    told = bank.alert(template="vip", locale="en")
    assert (told.subject, told.html) == (f"{MASKED} subject", None)
    assert bank.failures == []


def test_the_frame_of_mails_can_be_replaced(bank: Bank) -> None:
    bank.write("layout.html.j2", "<p>House style</p>{% block body %}{% endblock %}")

    html = bank.alert().html
    assert bank.problems() == []
    assert html is not None
    assert html.startswith("<p>House style</p>")
    assert MASKED in html


def test_pieces_of_the_banks_own_can_be_shared(bank: Bank) -> None:
    bank.write("_ours/foot.txt.j2", "{{ alert.amount }}: call 100").write(SMS, '{% include "_ours/foot.txt.j2" %}')

    assert bank.problems() == []
    assert bank.alert().short == "EUR 1,234.50: call 100"


def test_a_folder_of_links_is_read_as_kubernetes_mounts_it(bank: Bank, tmp_path: Path) -> None:
    bank.write("..data/en/analyst/alert/sms.txt.j2", "Mounted: {{ alert.amount }}")
    (tmp_path / "en").symlink_to(tmp_path / "..data" / "en")

    assert bank.problems() == []
    assert bank.alert().short == "Mounted: EUR 1,234.50"


def test_the_readme_names_all_that_templates_see() -> None:
    readme = (SHIPPED / "README.md").read_text()

    for facts in (AlertFacts, DigestFacts, LineFacts, Links):
        for field in fields(facts):
            assert f"`{field.name}`" in readme


def test_html_can_be_left_out(bank: Bank) -> None:
    assert bank.write(HTML, "\n").alert().html is None
    assert bank.failures == []


def test_macros_loops_and_zones_work(bank: Bank) -> None:
    bank.write(
        TEXT,
        "{% macro said(what) %}<{{ what }}>{% endmacro %}\n"
        "{% for i in range(3) %}{{ said(i) }}{% endfor %}\n\n\n\n"
        '{{ alert.event_time | zoned("Europe/Berlin") }} & {{ 2 * 3 }}\n',
    )

    assert bank.problems() == []
    assert bank.alert().text == "<0><1><2>\n\n2026-01-31 13:00 CET & 6\n"


def test_markup_is_escaped_in_html_and_nowhere_else(bank: Bank) -> None:
    told = bank.write(HTML, "<p>{{ alert.transaction }}</p>").alert(transaction_id="<b>&")

    assert told.html == "<p>&lt;b&gt;&amp;</p>"
    assert "Transaction: <b>&\n" in told.text


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (TEXT, "one\n{{ alert.amuont }}", f"{TEXT}, line 2: UndefinedError: 'alert' has no attribute 'amuont'; the "
         "nearest that there is: amount (rendered for a usual alert)"),
        (TEXT, "{{ alert.__class__ }}", f"{TEXT}, line 1: SecurityError: access to attribute '__class__' of 'alert' is "
         "unsafe. (rendered for a usual alert)"),
        (TEXT, "{{ alert.amount.format(1) }}", f"{TEXT}, line 1: SecurityError: what is called there is not safely "
         "callable (rendered for a usual alert)"),
        (TEXT, "{{ alrt.amount }}", f"{TEXT}, line 1: UndefinedError: 'alrt' is undefined; the nearest that there is: "
         "alert (rendered for a usual alert)"),
        (TEXT, "a\nb\n{% if alert.amount %}", f"{TEXT}, line 3: Unexpected end of template"),
        (TEXT, "{{ alert.amount | moeny }}", f"{TEXT}, line 1: No filter named 'moeny'"),
        (TEXT, "\n{{ alert.account[9] }}", f"{TEXT}, line 2: UndefinedError: str object has no element 9"),
        (TEXT, '{% include "nix.j2" %}', f"{TEXT}, line 1: TemplateNotFound: 'nix.j2' not found"),
        (SUBJECT, "{% if alert.account %}x{% endif %}", f"{SUBJECT}: OutputEmpty: it is empty (rendered for an alert "
         "with everything unknown)"),
        (SMS, "{{ alert.amount }} \N{POLICE CARS REVOLVING LIGHT}",
         f"{SMS}: text messages have no '\N{POLICE CARS REVOLVING LIGHT}' (rendered for a usual alert)"),
        (SMS, "x" * 400, f"{SMS}: it takes 400 septets; 296 at most are sent (rendered for a usual alert)"),
        (HTML, "{% autoescape false %}{{ alert.transaction }}{% endautoescape %}", f"{HTML}: it shows a value without "
         "escaping it (rendered for an alert with markup in its texts)"),
        ("en/analyst/alert/smss.txt.j2", "x", "en/analyst/alert/smss.txt.j2: no such template; there is "
         "<locale>/<template>/alert or digest/subject.txt.j2, sms.txt.j2, body.txt.j2, body.html.j2"),
        ("not_a_locale/analyst/alert/sms.txt.j2", "x", "not_a_locale/analyst/alert/sms.txt.j2: 'not_a_locale' is no "
         "language, such as de or de-AT"),
        ("not_a_locale/words.toml", "", "not_a_locale/words.toml: 'not_a_locale' is no language, such as de or de-AT"),
        ("en/analyst/sms.txt.j2", "x", "en/analyst/sms.txt.j2: no such template; there is"),
        ("en/analyst/alert/sms.txt", "x", "en/analyst/alert/sms.txt: no such template; there is"),
        ("en/word.toml", "x", "en/word.toml: no such template; there is"),
        ("en/words.toml", "[x]\n", "en/words.toml: Object contains unknown field `x`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(bank: Bank, name: str, text: str, problem: str) -> None:
    found = bank.write(name, text).problems()

    assert len(found) == 1
    assert found[0].startswith(problem)


def test_everything_wrong_is_named_at_once(bank: Bank) -> None:
    bank.write(TEXT, "{{ x }}").write(SUBJECT, "{% if %}").write("en/words.toml", "[").write(
        "de/vip/alert/sms.txt.j2", "x"
    )

    found = bank.problems()

    assert {problem.partition(":")[0].partition(",")[0] for problem in found} == {
        TEXT,
        SUBJECT,
        "en/words.toml",
        *(
            f"template 'vip' has no {missing}.txt.j2 in any language"
            for missing in ("alert/subject", "alert/body", "digest/subject", "digest/sms", "digest/body")
        ),
    }


def test_everything_wrong_in_a_file_of_words_is_named(bank: Bank) -> None:
    bank.write(
        "en/words.toml",
        '[figures]\nthousands = ",,"\ndecimal = 5\ndate = "{year} {yaer}"\n[plain]\nalret = "x"\n'
        "[nonsense]\na = 1\nb = 2\n[features.x]\ntext = 1\n",
    )

    assert bank.problems() == [
        f"en/words.toml: {what}"
        for what in (
            "Expected `str` of length <= 1 - at `$.figures.thousands`",
            "Expected `str`, got `int` - at `$.figures.decimal`",
            "Object contains unknown field `alret` - at `$.plain`",
            "Object contains unknown field `nonsense`",
            "Expected `str`, got `int` - at `$.features[...].text`",
            "figures.date: nothing fills {yaer}; there is {day}, {month}, {year}",
        )
    ]


def test_a_file_that_is_no_text_is_named(bank: Bank) -> None:
    bank.write(TEXT, "")
    (bank.folder / TEXT).write_bytes(b"\xff\xfe")

    assert bank.problems() == [f"{TEXT}: it cannot be read (UnicodeDecodeError)"]
    assert "failed: UnicodeDecodeError" in bank.alert().text


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    assert Renderer(tmp_path / "nix").problems() == [f"folder of templates '{tmp_path / 'nix'}' is none"]


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_folder_that_cannot_be_is_named(tmp_path: Path, name: str) -> None:
    (problem,) = Renderer(tmp_path / name).problems()

    assert problem.startswith("folder of templates '")
    assert problem.endswith("' is none")
    assert "\0" not in problem


@pytest.mark.parametrize(
    "text",
    [
        "{{ alert.nothing }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{% include 'nix' %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% extends 'en/analyst/alert/body.txt.j2' %}",
        "",
    ],
)
def test_a_template_that_fails_is_replaced_by_plain_text_and_counted(bank: Bank, text: str) -> None:
    bank.write(TEXT, text)
    shipped = Renderer().render_alert(alert(), template="analyst", locale="en")
    told = bank.alert()

    [failure] = bank.failures
    assert failure.template == TEXT
    assert told.text == (
        f"Fraud suspected: EUR 1,234.50, account {MASKED}, 2026-01-31 12:00 UTC, transaction tx-0001\n"
        "\n"
        f"template {TEXT} failed: {failure.error}\n"
    )
    assert (told.subject, told.short, told.html) == (shipped.subject, shipped.short, shipped.html)


def test_every_text_can_fail_at_once_and_people_are_told_still(bank: Bank) -> None:
    for name in (SUBJECT, SMS, TEXT, HTML):
        bank.write(name, "{{ 1 / 0 }}")
    told = bank.alert()

    assert {failure.error for failure in bank.failures} == {"ZeroDivisionError"}
    assert {failure.template for failure in bank.failures} == {SUBJECT, SMS, TEXT, HTML}
    facts = f"Fraud suspected: EUR 1,234.50, account {MASKED}, 2026-01-31 12:00 UTC, transaction tx-0001"
    assert told.subject == facts
    assert told.short == f"{facts}; template {SMS} failed: ZeroDivisionError"
    assert told.text.startswith(facts)
    assert told.html is None
    assert json.loads(told.payload)["type"] == "fraud.detected"


def test_a_failure_says_no_value(bank: Bank) -> None:
    told = bank.write(TEXT, "{{ alert.transaction / 0 }}").alert(transaction_id="tx-secret-77")

    assert bank.failures == [TemplateFailure(TEXT, "TypeError")]
    assert told.text.endswith(f"template {TEXT} failed: TypeError\n")


def test_a_customer_is_told_nothing_of_templates(bank: Bank) -> None:
    bank.write("de/holder/digest/body.txt.j2", "{{ 1 / 0 }}").write("de/holder/digest/sms.txt.j2", "{{ 1 / 0 }}")
    told = bank.renderer().render_digest(digest(), template="holder", locale="de")

    assert len(bank.failures) == 2
    plain = "12 weitere Betrugsfälle vermutet: 14.000,10 EUR, 31.01.2026 12:00 bis 12:04 UTC"
    assert (told.short, told.text) == (plain, f"{plain}\n")


def test_a_template_that_does_not_exist_is_plain_text(bank: Bank) -> None:
    told = bank.alert(template="nix")

    assert {(failure.template, failure.error) for failure in bank.failures} == {
        (f"nix/alert/{part}.txt.j2", "TemplateNotFound") for part in ("subject", "sms", "body")
    }
    assert told.subject.startswith("Fraud suspected: EUR 1,234.50")
    assert told.html is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{% for i in range(100000) %}x{% endfor %}", "LoopTooLong"),
        ("{% for i in range(5000) %}{% for j in range(5000) %}{% endfor %}{% endfor %}", "LoopTooLong"),
        ("{% for i in range(9000) %}0123456789{% endfor %}", "OutputTooLong"),
        ("{% macro d(n) %}{% if n %}{{ d(n-1) }}{{ d(n-1) }}{% endif %}{% endmacro %}{{ d(40) }}x", "CallsTooMany"),
        ("{% macro d(x, n) %}{{ d(x ~ x, n - 1) if n else x }}{% endmacro %}{{ d('012', 40) }}", "OutputTooLong"),
        ("{% macro d(x, n) %}{{ d(x + x, n - 1) if n else x }}{% endmacro %}{{ d('012', 40) }}", "OutputTooLong"),
        ("{% macro d(x, n) %}{{ d([x, x], n - 1) if n else x }}{% endmacro %}{{ d('0', 40) }}", "SecurityError"),
        ("{% macro d(x, n) %}{{ d(x + x, n - 1) if n else 'x' }}{% endmacro %}{{ d([1], 40) }}", "OutputTooLong"),
        ("{% macro d(x, n) %}{{ d(x * x, n - 1) if n else x }}{% endmacro %}{{ d(9, 40) }}", "SecurityError"),
        ("{% set n = range(9999) | list %}{{ n | join(n | join(n | join('abc'))) | length }}", "OutputTooLong"),
        ("{% set x = range(9999) | join %}{{ x | replace('', x) | length }}", "OutputTooLong"),
        ("{% set x = range(9999) | join %}{{ x | wordwrap(1, wrapstring=x) | length }}", "OutputTooLong"),
        ("{% set x = range(9999) | join %}{% for a in x | list %}{% endfor %}", "LoopTooLong"),
        ("{% set l = range(9999) | list %}{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}", "LoopTooLong"),
        ("{% macro f() %}{% for i in range(9999) %}" + "x" * 999 + "{% endfor %}{% endmacro %}{{ f() | length }}",
         "OutputTooLong"),
        ("{% macro f() %}{% for i in range(9999) %}{{ alert.time }}{{ alert.time }}{{ alert.time }}{{ alert.time }}"
         "{{ alert.time }}{{ alert.time }}{% endfor %}{% endmacro %}{{ f() | length }}", "OutputTooLong"),
        ("{{ [[1, 2], [3]] }}", "SecurityError"),
        ("{{ [alert.amount] ~ 'x' }}", "SecurityError"),
        ("{{ [[1]] | join }}", "SecurityError"),
        ("{{ [1] | upper }}", "SecurityError"),
        ("{{ alert.event_time | zoned('UTC', '%999999999Y') }}", "SecurityError"),
        ("{{ 'x' * 1000000000 }}", "SecurityError"),
        ("{{ [0] * 1000000000 }}", "SecurityError"),
        ("{{ '%1000000000d' % 1 }}", "SecurityError"),
        ("{{ 9 ** 9 ** 9 }}", "SecurityError"),
        ("{{ '{:1000000000}'.format(1) }}", "SecurityError"),
        ("{{ 'x'.ljust(1000000000) }}", "SecurityError"),
        ("{{ alert.__class__.__mro__ }}", "SecurityError"),
        ("{{ alert.event_time.__reduce__() }}", "SecurityError"),
        ("{{ cycler('a') }}", "UndefinedError"),
        ("{{ 'x' | center(1000000000) }}", "TemplateAssertionError"),
        ("{{ 'x' | safe }}", "TemplateAssertionError"),
        ("{% set alert.amount = 1 %}x", "TemplateRuntimeError"),
    ],
)  # fmt: skip
def test_a_template_neither_escapes_nor_goes_on_without_end(bank: Bank, text: str, error: str) -> None:
    told = bank.write(TEXT, text).alert()

    assert [failure.error for failure in bank.failures] == [error]
    assert f"failed: {error}" in told.text
    assert len(told.text) < 1_000


def test_an_inclusion_that_doubles_itself_ends(bank: Bank) -> None:
    again = "{% include '_own/twice.j2' %}"
    bank.write("_own/twice.j2", f"{{% set n = n - 1 %}}{{% if n %}}{again}{again}{{% endif %}}")
    bank.write(TEXT, f"{{% set n = 40 %}}{again}")

    assert "failed: CallsTooMany" in bank.alert().text


def test_templates_of_a_usual_size_are_far_from_their_bounds(bank: Bank) -> None:
    bank.write(
        "en/analyst/digest/body.txt.j2",
        "{% macro row(a, b) %}{{ a ~ ': ' ~ (b | upper | replace('E', 'e')) }}{% endmacro %}"
        "{% for i in range(20) %}{% for line in digest.strongest %}"
        "{{ row(loop.index ~ '/' ~ loop.length, line.amount) }}\n{% endfor %}{% endfor %}",
    )
    assert bank.problems() == []


def test_whatever_a_template_writes_keeps_the_form_of_its_part(bank: Bank) -> None:
    bank.write(SUBJECT, "a\r\nBcc: b\x00\u2028c\n" + "x" * 500)
    bank.write(SMS, "“Betrug” – \u2028 {{ alert.amount }}…\n\n" + "€" * 400)  # noqa: RUF001
    bank.write(TEXT, "a  \r\nb\n\n\n\n\nc\n\n\n")
    told = bank.alert()

    assert told.subject.isprintable()
    assert told.subject.startswith("a Bcc: b? c x")
    assert len(told.subject) == 99
    assert told.short.startswith('"Betrug" - EUR 1,234.50... €€€')
    assert told.short == gsm7(told.short)
    assert told.short.endswith("€...")
    assert septets(told.short) + 6 <= TWO_SEGMENTS
    assert told.text == "a\nb\n\nc\n"
