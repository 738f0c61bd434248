"""What a training found out, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cli import console
from cli.measures import measures_table

if TYPE_CHECKING:
    from rich.table import Table

    from model.measuring.assessment import Assessment, Candidate, DataReport, Interval

# From so many columns on there is room to say why; the report says it anyway.
_WIDE: Final = 110
_LABEL: Final = 24
_WHY: Final = 38
# "0.006 (-0.008, 0.019)"
_INTERVAL: Final = 21
# Told in lines of their own.
_COUNTED: Final = ("missing", "unparsable", "left_out", "duplicates")


def print_assessment(assessment: Assessment) -> None:
    """The data, the candidates, the measures and the decisions."""
    for line in _lines(assessment):
        _say(line)
    console.print_table(_candidates(assessment))
    console.print_table(measures_table("On the test window, which is later than all the rest", assessment.metrics))
    console.print_table(_decisions(assessment))
    console.out.print()
    for line in _judgement(assessment):
        _say(line)


def _lines(assessment: Assessment) -> Iterator[str]:
    yield from _of_data(assessment.data)
    for window in assessment.windows:
        first, last = (f"{moment:%Y-%m-%d %H:%M}" for moment in (window.first, window.last))
        known = f", {window.known_compromised} of known accounts removed" if window.known_compromised else ""
        yield f"{window.name}: {window.rows} rows, {window.frauds} frauds, {first} to {last}{known}"
    yield from (f"note: {note}" for note in assessment.notes)
    yield from (f"warning: {finding.text}" for finding in assessment.data.findings if finding.kind not in _COUNTED)


def _of_data(data: DataReport) -> Iterator[str]:
    left_out = ", ".join(f"{count} {reason}" for reason, count in data.left_out.items())
    yield f"rows: {data.rows}" + (f", left out: {left_out}" if left_out else "")
    if data.sampling is not None:
        yield f"of the legitimate rows {data.sampling.legitimate_kept:.1%} were kept, of the frauds all"
    for what, counts in (
        ("cells without a number, imputed", data.missing),
        ("cells that hold something else than a number", data.unparsable),
        ("cells clipped to the limits of the training window", data.clipped),
    ):
        if counts:
            yield f"{what}: " + ", ".join(f"{count} {name}" for name, count in counts.items())


def _candidates(assessment: Assessment) -> Table:
    table = console.open_table("Candidates, by average precision on the windows before")
    table.add_column("", no_wrap=True)
    table.add_column("candidate", min_width=_LABEL)
    for name in ("average precision", "behind the best"):
        table.add_column(name, justify="right", min_width=_INTERVAL, no_wrap=True)
    wide = console.out.width >= _WIDE
    if wide:
        table.add_column("", max_width=_WHY)
    stages: dict[str, list[Candidate]] = {"table": [], "search": []}
    for candidate in assessment.candidates:
        stages[candidate.stage].append(candidate)
    for candidates in stages.values():
        for one in candidates:
            table.add_row(
                "*" if one.chosen else "",
                one.recipe.label,
                _interval(one.average_precision),
                _interval(one.behind),
                *([one.why] if wide else []),
                style="bold" if one.chosen else None,
            )
        table.add_section()
    return table


def _decisions(assessment: Assessment) -> Table:
    table = console.open_table("Decisions: what each threshold means on the test window")
    for name in ("", "policy"):
        table.add_column(name, no_wrap=True)
    money = assessment.currency or "money"
    figures = ("from", "alerts\na day", "precision", "recall", "frauds\ncaught", f"{money}\ncaught", f"{money}\nlost")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    for one in assessment.decisions:
        test = one.test
        table.add_row(
            f"{'*' if one.shipped else ''}{'' if one.reached else '!'}",
            one.policy,
            f"{one.threshold:.3g}",
            f"{test.alerts_a_day:.1f}",
            _share(test.precision),
            _share(test.recall),
            f"{test.frauds_caught}/{test.frauds}",
            *("-" if money is None else f"{money:,.0f}" for money in (test.money_caught, test.money_lost)),
            style="bold" if one.shipped else None,
        )
    return table


def _judgement(assessment: Assessment) -> Iterator[str]:
    yield "* is the chosen candidate, and the policy that the model comes with; ! is a policy that no threshold keeps"
    precision, calibration = assessment.intervals["average_precision"], assessment.calibration
    yield f"average precision {_interval(precision)} with 95 % confidence"
    yield (
        f"calibration: {calibration.method}; expected error {calibration.error_before:.5f} before, "
        f"{calibration.error_after:.5f} after; Brier score {calibration.brier_before:.6f} before, "
        f"{calibration.brier_after:.6f} after"
    )
    spread = assessment.spread["average_precision"]
    yield f"over {len(assessment.folds)} folds: average precision {spread.mean:.4f}, deviation {spread.deviation:.4f}"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.value:.3f} ({interval.low:.3f}, {interval.high:.3f})"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"


def _say(line: str) -> None:
    console.out.print(line, markup=False, highlight=False, soft_wrap=True)
