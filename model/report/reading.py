"""What several parts of the report look up in an assessment."""

from __future__ import annotations

from typing import Final

from model.measuring.assessment import Assessment, Decision, Outcome, Window

_MEASURES: Final = {
    "average_precision": "Average precision",
    "roc_auc": "ROC AUC",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "accuracy": "Accuracy",
    "brier_score": "Brier score",
    "calibration_error": "Calibration error",
    "card_precision_at_100": "Card precision, top 100 a day",
}


def shipped(assessment: Assessment) -> Decision | None:
    """The decision that the model comes with."""
    return next((one for one in assessment.decisions if one.shipped), None)


def judged_window(assessment: Assessment) -> Window | None:
    """What the model is judged by."""
    return next((one for one in assessment.windows if one.name == "test"), None)


def training_window(assessment: Assessment) -> Window | None:
    """What the judged model learnt from."""
    return next((one for one in assessment.windows if one.name == "training"), None)


def fraud_rate(assessment: Assessment) -> float | None:
    """Share of frauds in the test window: the precision of alerts given by chance."""
    window = judged_window(assessment)
    return window.frauds / window.rows if window and window.rows else None


def money_share(outcome: Outcome) -> float | None:
    """Share of the frauds' money that is caught; None without amounts."""
    if outcome.money_caught is None or outcome.money_lost is None:
        return None
    whole = outcome.money_caught + outcome.money_lost
    return outcome.money_caught / whole if whole > 0 else None


def measure_name(name: str) -> str:
    """Of a measure, as people write it."""
    if name in _MEASURES:
        return _MEASURES[name]
    top = name.removeprefix("precision_at_")
    return f"Precision, top {int(top):,} rows" if top != name and top.isdigit() else name.replace("_", " ").capitalize()


def policy_name(policy: str, *, currency: str | None) -> str:
    """What a policy asks for; `currency` is that of the price of a false alarm."""
    kind, _, given = policy.partition(":")
    named = {
        "f1": "Best balance of precision and recall (F1)",
        "precision": f"Most frauds at a precision of at least {given}",
        "alerts": f"Most frauds with at most {given} alerts a day",
        "cost": f"Least cost, where a false alarm costs {f'{given} {currency}' if currency else given}",
    }
    return named.get(kind, policy)


def method_name(method: str) -> str:
    """Of a calibration."""
    return {"isotonic": "isotonic regression", "sigmoid": "a sigmoid (Platt scaling)", "none": "none"}[method]


def model_name(kind: str) -> str:
    """Of a kind of model."""
    return kind.replace("_", " ")


def resampling_words(resampling: str) -> str:
    """What was done about frauds being rare."""
    kind, _, ratio = resampling.partition(":")
    if kind == "smote":
        return f"SMOTE: synthetic frauds were made up until there were {ratio} for each legitimate transaction"
    words = {
        "none": "none: the frauds count as often as they occur",
        "weights": "weights: each class weighs the inverse of its frequency",
        "auto": "auto: the candidates were tried without, with weights and with SMOTE",
    }
    return words.get(kind, resampling)
