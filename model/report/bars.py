"""Lists as drawings: a line for each entry with its name above, so that long names have room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from model.measuring.assessment import Assessment
from model.report.axes import Axis, linear_axis
from model.report.figures import alike, interval
from model.report.panel import RIGHT, WIDTH, Drawing

_FIRST: Final = 46
_ROW: Final = 30
_LEFT: Final = 4
_LONGEST: Final = 38
_LONGEST_ALONE: Final = 60
_MOST: Final = 15


@dataclass(frozen=True)
class Row:
    """An entry.

    Attributes:
        name: Stands above its line.
        value: Where its mark is.
        low: The lower end of what it may be as well.
        high: The upper.
        text: The value as written at the end of the line; empty leaves the room to the name.
        main: Whether it is one that the reader looks for.
    """

    name: str
    value: float
    low: float
    high: float
    text: str
    main: bool


def importances(assessment: Assessment) -> str | None:
    """What the model leans on; None without a figure."""
    shown = assessment.importances[:_MOST]
    rows = [
        Row(one.feature, one.mean, one.mean - one.deviation, one.mean + one.deviation, text, main=True)
        for one, text in zip(shown, alike([one.mean for one in shown]), strict=True)
    ]
    described = "; ".join(f"{one.name} {one.text}" for one in rows)
    return _rows(
        "importances", "What the model leans on", described, "Fall of average precision when shuffled", rows, bars=True
    )


def candidates(assessment: Assessment) -> str | None:
    """The chosen candidate, in colour, among those it was compared with on the same rows; None without any."""
    stage = next((one.stage for one in assessment.candidates if one.chosen), "table")
    shown = [one for one in assessment.candidates if one.stage == stage]
    rows = [
        Row(
            one.recipe.label,
            one.average_precision.value,
            one.average_precision.low,
            one.average_precision.high,
            "",
            main=one.chosen,
        )
        for one in shown[:_MOST]
    ]
    described = "; ".join(f"{one.recipe.label} {interval(one.average_precision)}" for one in shown)
    title = "The finalists" if stage == "search" else "The fixed candidates"
    return _rows("candidates", title, described, "Average precision, 95% interval", rows, bars=False)


def _rows(name: str, title: str, described: str, axis_title: str, rows: Sequence[Row], *, bars: bool) -> str | None:
    if not rows:
        return None
    # Bars are read by their length, so they begin at nought; dots are read by their place.
    ends = [end for one in rows for end in (one.low, one.high)] + ([0.0] if bars else [])
    axis = _without_margin(linear_axis(axis_title, min(ends), max(ends)), min(ends), max(ends))
    bottom = _FIRST + _ROW * len(rows)
    drawing = Drawing(name, title, described, height=bottom + 42)

    def at(value: float) -> float:
        return _LEFT + (RIGHT - _LEFT) * axis.place(value)

    for value, text in axis.ticks:
        drawing.add("line", "grid", x1=at(value), x2=at(value), y1=_FIRST - 14, y2=bottom)
        drawing.text(at(value), bottom + 15, text, style="tick", anchor="middle")
    for index, row in enumerate(rows):
        top = _FIRST + _ROW * index
        _row(drawing, row, top, [at(row.low), at(row.value), at(row.high)], zero=at(0) if bars else None)
    drawing.text((_LEFT + RIGHT) / 2, bottom + 34, axis.title, style="axis-title", anchor="middle")
    return drawing.svg()


def _without_margin(axis: Axis, low: float, high: float) -> Axis:
    """Round ticks, but no room for values that are not there."""
    if low >= high:
        return axis
    ticks = tuple(one for one in axis.ticks if low <= one[0] <= high)
    little = 0.02 * (high - low)
    return replace(axis, low=low - little, high=high + little, ticks=ticks)


def _row(drawing: Drawing, row: Row, top: float, places: Sequence[float], *, zero: float | None) -> None:
    low, value, high = places
    style = "main" if row.main else "other"
    room = _LONGEST if row.text else _LONGEST_ALONE
    short = row.name if len(row.name) <= room else row.name[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"
    drawing.text(_LEFT, top, short, style="label plain")
    drawing.text(WIDTH - 2, top, row.text, style="label figure", anchor="end")
    middle = top + 9
    if zero is not None:
        drawing.add(
            "rect", f"bar {style}", x=min(zero, value), y=middle - 3.5, width=max(abs(value - zero), 0.5), height=7
        )
    drawing.add("line", "whisker", x1=low, x2=high, y1=middle, y2=middle)
    if zero is None:
        drawing.add("circle", f"dot {style}", cx=value, cy=middle, r=4)
