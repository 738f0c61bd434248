"""`python -m bench.table FIGURES`: lines of figures as tables, in Markdown.

What has no figure shows a dash, and its reason beneath.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import contest, sweep
from bench.delays import drawn
from bench.roster import ROSTER

ABSENT: Final = "—"
# The rate at which delays are compared.
USUAL_RATE: Final = 1_000

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """What is printed.

    Attributes:
        title: Above it.
        headings: Of columns.
        rows: As many cells each.
        notes: Lines beneath it.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def throughput_table(lines: Iterable[Line], titles: Mapping[str, str]) -> Table:
    """Transactions a second, for each size of batches, with the ratio to the ceiling of the same time.

    Args:
        lines: Figures, others among them.
        titles: Of contenders, by name.
    """
    cells = {(one["contender"], one["batch"]): one for one in lines if one["figure"] == contest.FIGURE}
    batches = sorted({batch for _, batch in cells}, reverse=True)
    headings = ["", *(f"{what}, batch {batch}" for batch in batches for what in ("tx/s", "of ceiling", "µs of CPU"))]
    rows = []
    for name in dict.fromkeys(name for name, _ in cells):
        row = [titles.get(name, name)]
        for batch in batches:
            line = cells.get((name, batch), {})
            row += [_whole(line.get("value")), _ratio(line.get("ratio")), _tenth(line.get("cpu_us"))]
        rows.append(row)
    reasons = _reasons(((f"{titles.get(name, name)}, batch {size}", line) for (name, size), line in cells.items()))
    return Table("transactions scored exactly once, by one process", headings, rows, reasons)


def latency_table(lines: Iterable[Line], titles: Mapping[str, str]) -> Table:
    """Milliseconds at the usual rate, with ratios, and the highest rate that was kept up with.

    Args:
        lines: Figures, others among them.
        titles: Of contenders, by name.
    """
    cells = {(one["contender"], one["rate"]): one for one in lines if one["figure"] == sweep.FIGURE}
    rows = []
    for name in dict.fromkeys(name for name, _ in cells):
        line = cells.get((name, USUAL_RATE), {})
        kept = [rate for (who, rate), one in cells.items() if who == name and one["value"] is not None]
        figures = [_tenth(line.get(part)) for part in ("value", "p99", "p999", "longest")]
        ratios = [_ratio(line.get(part)) for part in ("ratio", "ratio_p99")]
        rows.append([titles.get(name, name), *figures, *ratios, _whole(max(kept, default=None))])
    headings = ["", "p50 ms", "p99 ms", "p99.9 ms", "longest ms", "p50 of ceiling", "p99 of ceiling", "kept up, tx/s"]
    reasons = _reasons(((f"{titles.get(name, name)}, {rate}/s", line) for (name, rate), line in cells.items()))
    return Table(f"from send to receipt at {USUAL_RATE} transactions a second", headings, rows, reasons)


def markdown(lines: Sequence[Line], titles: Mapping[str, str]) -> str:
    """Both tables as a page has them.

    Args:
        lines: Figures, others among them.
        titles: Of contenders, by name.
    """
    parts = []
    for table in (throughput_table(lines, titles), latency_table(lines, titles)):
        if not table.rows:
            continue
        rows = [table.headings, ["---", *["--:"] * (len(table.headings) - 1)], *table.rows]
        drawn_rows = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts += [f"**{table.title[0].upper()}{table.title[1:]}**", drawn_rows, *table.notes]
    return "\n\n".join(parts) + "\n"


def histograms(lines: Iterable[Line], names: Sequence[str], titles: Mapping[str, str]) -> list[str]:
    """Drawn, at the usual rate.

    Args:
        lines: Figures, others among them.
        names: Of contenders whose are drawn.
        titles: Of contenders, by name.
    """
    text: list[str] = []
    for line in lines:
        usual = line["figure"] == sweep.FIGURE and line["rate"] == USUAL_RATE
        if usual and line["contender"] in names and line["value"] is not None:
            text += ["", titles.get(line["contender"], line["contender"]), *drawn(line["histogram"])]
    return text


def _reasons(named: Iterable[tuple[str, Line]]) -> list[str]:
    return [f"{name}: {line['reason']}" for name, line in named if line["value"] is None]


def _whole(value: float | None) -> str:
    return ABSENT if value is None else f"{value:,.0f}"


def _tenth(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.1f}"


def _ratio(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.2f}"


if __name__ == "__main__":
    kept = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    sys.stdout.write(markdown(kept, {one.name: one.title for one in ROSTER}))
