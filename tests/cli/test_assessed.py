"""What a training found out, on terminals of different widths."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from cli import console
from cli.assessed import print_assessment
from model.measuring.assessment import Assessment
from tests.model.report.sample import assessment as sample


def printed(
    assessment: Assessment, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    # The console's own width cannot be given back to the terminal once it was set.
    monkeypatch.setattr(console.out, "_width", width)
    print_assessment(assessment)
    return capsys.readouterr().out


def tables(said: str) -> list[str]:
    """Their lines; what is told in sentences is as long as it is."""
    (body,) = re.findall(r"^Candidates.*(?=^\* is)", said, re.DOTALL | re.MULTILINE)
    return [line for line in body.splitlines() if line.strip()]


@pytest.mark.parametrize("width", [80, 120])
def test_no_figure_is_cut_or_wrapped(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tables(printed(sample(), width, monkeypatch, capsys))

    text = "\n".join(lines)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert max(map(len, lines)) <= width
    for whole in ("0.697 (0.667, 0.726)", "0.003 (-0.004, 0.011)", "precision:0.95", "277/404", "EUR", "30,325"):
        assert whole in text
    assert ("behind by more than the noise" in text) is (width == 120)


def test_large_amounts_make_a_table_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assessment = sample()
    decisions = tuple(
        replace(one, test=replace(one.test, money_caught=123_456_789.0, money_lost=98_765_432.0))
        for one in assessment.decisions
    )

    lines = tables(printed(replace(assessment, decisions=decisions), 80, monkeypatch, capsys))

    rows = [line for line in lines if "123,456,789" in line]
    assert len(rows) == len(decisions)
    assert all(line.split()[-1] == "98,765,432" for line in rows)


def test_what_was_chosen_is_known_without_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tables(printed(sample(), 120, monkeypatch, capsys))

    chosen, shipped = (line for line in lines if line.startswith("*"))
    assert chosen.startswith("*  random forest, weights, leaf 4  ")
    assert shipped.split()[1] == "f1"
    assert [line.split()[1] for line in lines if line.startswith("!")] == ["precision:0.95"]


def test_amounts_of_no_currency_are_money(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(tables(printed(replace(sample(), currency=None), 80, monkeypatch, capsys)))

    assert "EUR" not in text
    assert text.count("money") == 2
