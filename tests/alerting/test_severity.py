"""How grave an alert is."""

from __future__ import annotations

from alerting.routing.matching import condition
from alerting.severity import LOWEST, Band, severity_of, with_severity
from tests.alerting.told_of import alert

BANDS = (
    Band(
        "critical",
        {"fraud_probability": condition("fraud_probability", [">=0.95"]), "amount": condition("amount", [">=1000"])},
    ),
    Band("high", {"fraud_probability": condition("fraud_probability", [">=0.8"])}),
)


def test_the_first_band_whose_conditions_all_hold_counts() -> None:
    assert severity_of(alert(fraud_probability=0.95, amount=1000.0), BANDS) == "critical"
    assert severity_of(alert(fraud_probability=0.95, amount=999.99), BANDS) == "high"
    assert severity_of(alert(fraud_probability=0.95, amount=None), BANDS) == "high"
    assert severity_of(alert(fraud_probability=0.79, amount=1000.0), BANDS) == LOWEST
    assert severity_of(alert(), ()) == LOWEST


def test_an_alert_gets_its_severity_and_keeps_all_else() -> None:
    plain = alert(severity="low", fraud_probability=0.8)

    assert with_severity(plain, BANDS).severity == "high"
    assert with_severity(plain, BANDS).verdict is plain.verdict
    assert with_severity(plain, BANDS).id == plain.id
