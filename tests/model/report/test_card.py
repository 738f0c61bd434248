"""The model card: the sections of Mitchell et al. 2019, in Markdown that holds together."""

from __future__ import annotations

import re

from msgspec.structs import replace

from model.measuring.assessment import Assessment
from model.report.card import model_card


def test_every_section_is_there(assessment: Assessment) -> None:
    card = model_card(assessment, version="3f9c2a71b0de")

    assert card.startswith("# Model card: card-payments 3f9c2a71b0de\n")
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == [
        "Warnings",
        "Model details",
        "Intended use",
        "Out of scope",
        "Data",
        "Metrics",
        "Candidates",
        "Decisions",
        "Calibration",
        "Over time",
        "Segments",
        "What it leans on",
        "Limits",
        "How to train it again",
    ]
    assert assessment.data.fingerprint in card
    assert "0.812 (0.771\u20130.850)" in card
    assert "synthetic" not in card
    assert "weights: each class weighs the inverse of its frequency" in card


def test_each_table_has_as_many_cells_in_every_row(assessment: Assessment) -> None:
    tables: list[list[str]] = [[]]
    for line in model_card(assessment, version="1").splitlines():
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])

    found = [table for table in tables if table]
    assert len(found) == 9
    for table in found:
        assert len({line.count("|") - line.count("\\|") for line in table}) == 1


def test_it_says_how_to_train_again(assessment: Assessment) -> None:
    assert "    fraud models show MODEL\n" in model_card(assessment, version="1")


def test_sections_of_nothing_are_left_out(assessment: Assessment) -> None:
    quiet = replace(assessment.data, findings=(), left_out={})
    card = model_card(replace(assessment, segments=(), importances=(), spread={}, notes=(), data=quiet), version="1")

    for title in ("Segments", "What it leans on", "Over time", "Warnings"):
        assert f"## {title}\n" not in card


def test_names_stay_text(assessment: Assessment) -> None:
    hostile = "a|b <b>\n# `c` [d](e)"
    card = model_card(replace(assessment, name=hostile, notes=(hostile,)), version="1")

    assert r"a\|b \<b\> \# \`c\` \[d\](e)" in card
    assert "<b>" not in card.replace(r"\<b\>", "")


def test_the_same_assessment_gives_the_same_card(assessment: Assessment) -> None:
    assert model_card(assessment, version="1") == model_card(assessment, version="1")
