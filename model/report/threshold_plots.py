"""The plots of what a threshold means; None where an assessment has nothing to draw."""

from __future__ import annotations

from collections.abc import Sequence

from model.measuring.assessment import Assessment, Outcome
from model.report.axes import Axis, linear_axis, log_axis, share_axis, short_count
from model.report.figures import money, number
from model.report.panel import Panel, Style
from model.report.reading import money_share, shipped


def caught(assessment: Assessment) -> str | None:
    """What more alerts a day find: of the frauds, and of their money."""
    outcomes = _with_alerts(assessment)
    frauds = [(one.alerts_a_day, one.recall) for one in outcomes if one.recall is not None]
    money = [(one.alerts_a_day, share) for one in outcomes if (share := money_share(one)) is not None]
    if len(frauds) < 2:
        return None
    panel = Panel(
        "caught",
        "What more alerts find",
        f"Share of the frauds{' and of their money' if money else ''} caught, over alerts a day from "
        f"{number(frauds[0][0])} to {number(frauds[-1][0])}. Hollow dots are the policies that are not shipped.",
        x=_alerts_axis(outcomes),
        y=share_axis("Share caught in the test window"),
    )
    if money:
        panel.line(money, "other")
    panel.line(frauds)
    names: list[tuple[str, Style]] = [("frauds", "main"), ("their money", "other")]
    panel.key(names if money else names[:1], corner="lower right")
    decision = shipped(assessment)
    for one in assessment.decisions:
        if one.test.recall is not None and one.test.alerts_a_day > 0 and not one.shipped:
            panel.dot((one.test.alerts_a_day, one.test.recall), "hollow")
    if decision is not None and decision.test.recall is not None and decision.test.alerts_a_day > 0:
        panel.named_dot((decision.test.alerts_a_day, decision.test.recall), "shipped", falling=False)
    return panel.svg()


def costs(assessment: Assessment) -> str | None:
    """What missed frauds and false alarms cost together, where false alarms have a price."""
    outcomes = _with_alerts(assessment)
    line = [(one.alerts_a_day, one.cost) for one in outcomes if one.cost is not None]
    if len(line) < 2:
        return None
    least = min(line, key=lambda point: point[1])
    panel = Panel(
        "costs",
        f"What it costs: least {money(least[1], assessment.currency)}",
        f"Money lost plus the price of the false alarms over alerts a day; the least is at {number(least[0])}.",
        x=_alerts_axis(outcomes),
        y=linear_axis(
            f"Cost in the test window, {assessment.currency or 'in the currency of the data'}",
            0,
            max(cost for _, cost in line),
        ),
    )
    decision = shipped(assessment)
    if decision is not None and decision.test.alerts_a_day > 0:
        panel.rule(decision.test.alerts_a_day, "shipped")
    panel.line(line)
    panel.dot(least, radius=4.5)
    return panel.svg()


def _with_alerts(assessment: Assessment) -> list[Outcome]:
    """From few alerts to many; a scale of factors has no place for none."""
    outcomes = [one.outcome for one in assessment.curves.thresholds if one.outcome.alerts_a_day > 0]
    return sorted(outcomes, key=lambda one: one.alerts_a_day)


def _alerts_axis(outcomes: Sequence[Outcome]) -> Axis:
    return log_axis("Alerts a day, log scale", [one.alerts_a_day for one in outcomes], text=short_count)
