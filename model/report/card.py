"""`model-card.md`: the model in brief, in the order of Mitchell et al. 2019, "Model Cards for Model Reporting"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from model.measuring.assessment import Assessment
from model.report import story, tables
from model.report.figures import alike, count, span
from model.report.reading import model_name
from model.report.tables import Table

# What Markdown or HTML would take for markup; names come from people's files.
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|#&~])")
_IMPORTANCES: Final = 10


def model_card(assessment: Assessment, *, version: str) -> str:
    """The model card as Markdown; the same text for the same assessment.

    Args:
        assessment: What training found out.
        version: Of the model.
    """
    parts = (
        f"# Model card: {_plain(assessment.name)} {_plain(version)}",
        " ".join(_plain(one) for one in story.verdict(assessment)),
        *_section("Warnings", _listed(story.warnings(assessment))),
        *_section("Model details", _details(assessment, version)),
        *_section("Intended use", _listed(story.INTENDED_USE)),
        *_section("Out of scope", _listed(story.OUT_OF_SCOPE)),
        *_section("Data", _data(assessment)),
        *_section("Metrics", _table(tables.measures(assessment))),
        *_section(
            "Candidates", "\n\n".join(f"{one.caption}:\n\n{_table(one)}" for one in tables.candidates(assessment))
        ),
        *_section("Decisions", _table(tables.decisions(assessment))),
        *_section("Calibration", _calibration(assessment)),
        *_section("Over time", _table(tables.spread(assessment))),
        *_section("Segments", _table(tables.segments(assessment))),
        *_section("What it leans on", _importances(assessment)),
        *_section("Limits", _listed(story.limits(assessment))),
        *_section("How to train it again", _again()),
    )
    return "\n\n".join(parts) + "\n"


def _section(title: str, body: str) -> tuple[str, ...]:
    """A heading with its text; nothing where there is no text."""
    return (f"## {title}", body) if body else ()


def _details(assessment: Assessment, version: str) -> str:
    pairs = (("Name", assessment.name), ("Version", version), ("Kind", model_name(assessment.recipe.kind)))
    return "\n".join(f"- {_plain(name)}: {_plain(text)}" for name, text in (*pairs, *story.made(assessment)))


def _data(assessment: Assessment) -> str:
    data = assessment.data
    told = [
        f"{count(data.rows)} rows in the file, of {span(data.first, data.last)}; {count(data.frauds)} frauds "
        "were kept.",
        f"Fingerprint (SHA-256): {data.fingerprint}",
        story.sampling(assessment),
        *story.findings(assessment),
    ]
    parts = [
        _listed(one for one in told if one),
        _table(tables.windows(assessment)),
        _table(tables.left_out(assessment)),
    ]
    return "\n\n".join(part for part in parts if part)


def _calibration(assessment: Assessment) -> str:
    return f"{_plain(story.calibrated(assessment))}\n\n{_table(tables.calibration(assessment))}"


def _importances(assessment: Assessment) -> str:
    shown = assessment.importances[:_IMPORTANCES]
    lost = alike([one.mean for one in shown])
    return _listed(
        f"{one.feature}: {text} of average precision is lost when it is shuffled"
        for one, text in zip(shown, lost, strict=True)
    )


def _again() -> str:
    return (
        "The same data, options and libraries give the same model. The manifest names them all, and this prints the "
        "command:\n\n    fraud models show MODEL"
    )


def _listed(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(one)}" for one in sentences)


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    marks = ["---" if at < table.texts else "---:" for at in range(len(table.head))]
    rows = [table.head, *table.rows]
    head, *others = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    return "\n".join([head, "|" + "|".join(marks) + "|", *others])


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
