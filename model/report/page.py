"""`report.html`: one page for a bank's risk team, which needs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from model.measuring.assessment import Assessment
from model.report import bars, plots, story, tables, threshold_plots
from model.report.figures import count, minute, money, number, percent
from model.report.reading import money_share, shipped

_TEMPLATE: Final = "report.html.j2"
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d)?)")


def report_html(assessment: Assessment, *, version: str, created_at: datetime | None) -> str:
    """The report as one HTML document: no script, no font, no image and no request to anywhere.

    Args:
        assessment: What training found out.
        version: Of the model.
        created_at: With a zone; None leaves it out, so that the same assessment gives the same bytes.
    """
    environment = Environment(
        loader=PackageLoader("model.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": count,
        "number": number,
        "percent": percent,
        "money": money,
        "apart": _MOMENT.split,
    }
    return environment.get_template(_TEMPLATE).render(
        assessment=assessment,
        version=version,
        created_at=minute(created_at) if created_at is not None else None,
        shipped=shipped(assessment),
        money_share=money_share,
        story=story,
        tables=tables,
        figures=_figures(assessment),
    )


def _figures(assessment: Assessment) -> dict[str, list[str]]:
    """The drawings of each section; markup that was escaped where it was made."""
    drawn: dict[str, Sequence[str | None]] = {
        "decisions": [threshold_plots.caught(assessment), threshold_plots.costs(assessment)],
        "calibration": plots.reliability(assessment),
        "curves": [plots.precision_recall(assessment), plots.roc(assessment), plots.distributions(assessment)],
        "candidates": [bars.candidates(assessment)],
        "folds": [plots.fold_spread(assessment)],
        "importances": [bars.importances(assessment)],
    }
    return {section: [one for one in some if one is not None] for section, some in drawn.items()}
