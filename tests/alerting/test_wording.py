"""Reasons in words, and the words that a bank adds."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from alerting.catalog import SHIPPED
from alerting.wording import Wording
from alerting.words import load_words
from stream.contracts import Reason


def wording(locale: str, own: Path | None = None) -> Wording:
    words, problems = load_words(SHIPPED, own)
    assert problems == []
    return Wording(words[locale])


def words_in(folder: Path, locale: str, text: str) -> Path:
    (folder / locale).mkdir()
    (folder / locale / "words.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("reason", "english", "german"),
    [
        (
            Reason("amount", 1234.5, 0.12),
            "amount 1,234.50 is unusual: raised the probability by 12 points",
            "Betrag 1.234,50 ist ungewöhnlich: erhöhte die Wahrscheinlichkeit um 12 Punkte",
        ),
        (
            Reason("night", 1.0, 0.0312),
            "at night: raised the probability by 3.1 points",
            "nachts: erhöhte die Wahrscheinlichkeit um 3,1 Punkte",
        ),
        (
            Reason("is_weekend", 0.0, 0.2),
            "on a weekday: raised the probability by 20 points",
            "an einem Werktag: erhöhte die Wahrscheinlichkeit um 20 Punkte",
        ),
        (
            Reason("V14", -4.2, 0.12),
            "V14 = -4.2 raised the probability by 12 points",
            "V14 = -4,2 erhöhte die Wahrscheinlichkeit um 12 Punkte",
        ),
        (
            Reason("V14", None, 0.12),
            "V14 is missing: raised the probability by 12 points",
            "V14 fehlt: erhöhte die Wahrscheinlichkeit um 12 Punkte",
        ),
        (
            Reason("terminal_risk_28d", 0.25, 0.12),
            "25.0% of the terminal's payments in its 28-day history were frauds: raised the probability by 12 points",
            "25,0 % der früheren Zahlungen am Terminal (28-Tage-Fenster) waren Betrug: "
            "erhöhte die Wahrscheinlichkeit um 12 Punkte",
        ),
        (
            Reason("CUSTOMER_ID_NB_TX_1DAY_WINDOW", 1200.0, 0.12),
            "the account's 1-day number of payments, 1,200, is unusual: raised the probability by 12 points",
            "Zahl der Zahlungen des Kontos (1-Tage-Fenster), 1.200, ist ungewöhnlich: "
            "erhöhte die Wahrscheinlichkeit um 12 Punkte",
        ),
    ],
)
def test_a_reason_is_said_in_words(reason: Reason, english: str, german: str) -> None:
    assert wording("en").reason(reason) == english
    assert wording("de").reason(reason) == german


def test_every_feature_of_the_shipped_profiles_that_has_a_meaning_has_words() -> None:
    profiles = Path(__file__).parents[2] / "model" / "profiles"

    for name in ("simulated", "handbook"):
        for feature in tomllib.loads((profiles / f"{name}.toml").read_text())["inputs"]:
            for locale in ("en", "de"):
                assert f"{feature} =" not in wording(locale).reason(Reason(feature, 1.0, 0.5))


def test_a_feature_cannot_bring_its_own_lines() -> None:
    said = wording("en").reason(Reason("a\r\nBcc: b" + "x" * 1000, 1.0, 0.5))

    assert said.isprintable()
    assert len(said) < 120


def test_severities_have_a_word_or_their_own_name() -> None:
    assert wording("de").severity("critical") == "kritisch"
    assert wording("de").severity("Stufe 3\n") == "Stufe 3?"


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ("14000.1", "EUR 14,000.10"),
        ("-0.005", "EUR -0.00"),
        ("1E+400", "EUR 1e+400"),
        ("9" * 15, "EUR 999,999,999,999,999.00"),
    ],
)
def test_exact_sums_are_written_like_amounts(total: str, said: str) -> None:
    assert wording("en").figures.money(Decimal(total), "EUR") == said


def test_a_bank_adds_words_and_replaces_some(tmp_path: Path) -> None:
    own = words_in(
        tmp_path,
        "en",
        '[features]\nmerchant_age = {text = "the merchant is {value} days old", shown = "count"}\n'
        'night = {text = "past midnight"}\n[severities]\ncritical = "P1"\n',
    )
    said = wording("en", own)

    assert said.reason(Reason("merchant_age", 3.0, 0.5)).startswith("the merchant is 3 days old: ")
    assert said.reason(Reason("night", 1.0, 0.5)).startswith("past midnight: ")
    assert said.reason(Reason("is_night", 1.0, 0.5)).startswith("at night: ")
    assert said.severity("critical") == "P1"


def test_a_bank_adds_a_language_on_top_of_the_one_that_it_falls_back_to(tmp_path: Path) -> None:
    own = words_in(tmp_path, "de_CH", '[figures]\nthousands = "\'"\ndecimal = "."\n')
    swiss = wording("de-ch", own)

    assert swiss.figures.money(1234.5, "CHF") == "1'234.50 CHF"
    assert swiss.severity("high") == "hoch"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[features", "fr/words.toml: Expected"),
        ("[figures]\nthousand = ','\n", "fr/words.toml: Object contains unknown field `thousand`"),
        ("[figures]\nthousands = 1\n", "fr/words.toml: Expected `str`, got `int`"),
        (
            "[features]\nx = {text = '{valu} is odd'}\n",
            "fr/words.toml: features.x.text: nothing fills {valu}; there is {value}",
        ),
        (
            "[reasons]\nunknown = '{feature.__class__}'\n",
            "fr/words.toml: reasons.unknown: nothing fills {feature.__class__}",
        ),
        ("[reasons]\nunknown = '{'\n", "fr/words.toml: reasons.unknown: "),
        ("features = 1\n", "fr/words.toml: 'features' must be a table"),
    ],
)
def test_words_that_are_wrong_are_named_and_left_out(tmp_path: Path, text: str, problem: str) -> None:
    words, problems = load_words(SHIPPED, words_in(tmp_path, "fr", text))

    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert sorted(words) == ["de", "en"]
