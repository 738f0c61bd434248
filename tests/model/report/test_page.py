"""The report: one page that stands alone, says everything, and lets no name become markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from xml.parsers import expat

import pytest
from msgspec.structs import replace

from model.measuring.assessment import Assessment, Curves, Drift, Histogram, Importance, Sampling
from model.report.page import report_html
from model.report.panel import BOTTOM, LEFT, RIGHT, TOP

VOID = {"meta", "br", "hr", "img", "link", "input"}
SECTIONS = {
    "summary",
    "decisions",
    "calibration",
    "curves",
    "candidates",
    "folds",
    "segments",
    "data",
    "importances",
    "made",
    "limits",
}
PLOTS = {
    "caught",
    "costs",
    "reliability-before",
    "reliability-after",
    "precision-recall",
    "roc",
    "distributions",
    "candidates",
    "folds",
    "importances",
}
HOSTILE = "<script>alert('1')</script>\"&<img src=x onerror=y>"


class Page(HTMLParser):
    """A page whose tags have to be closed in the order they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.named: set[str] = set()
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name == "aria-labelledby":
                self.named |= set((value or "").split())
            elif name in {"href", "src"}:
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def written(assessment: Assessment) -> str:
    return report_html(assessment, version="3f9c2a71b0de", created_at=datetime(2026, 1, 5, 9, 30, tzinfo=UTC))


def drawings(html: str) -> list[str]:
    return re.findall(r"<svg .*?</svg>", html, re.DOTALL)


def test_it_is_well_formed_and_complete(assessment: Assessment) -> None:
    html = written(assessment)
    page = Page(html)

    assert set(page.ids) >= SECTIONS
    assert len(set(page.ids)) == len(page.ids)
    assert page.named <= set(page.ids)
    assert {f"{name}-title" for name in PLOTS} <= page.named
    assert set(page.links) == {f"#{one}" for one in SECTIONS}
    for drawing in drawings(html):
        expat.ParserCreate().Parse(drawing, True)
    assert len(drawings(html)) == len(PLOTS)


def test_it_needs_nothing_but_itself(assessment: Assessment) -> None:
    html = written(assessment)

    assert not re.search(r"https?://|url\(|@import|javascript:", html)
    assert Page(html).tags.isdisjoint({"script", "link", "img", "iframe", "object", "form"})
    assert len(html.encode()) < 200_000


def test_the_same_assessment_gives_the_same_page(assessment: Assessment) -> None:
    assert report_html(assessment, version="1", created_at=None) == report_html(
        assessment, version="1", created_at=None
    )
    assert " UTC" not in Page(report_html(assessment, version="1", created_at=None)).text.split("Summary")[0]


def test_it_begins_with_the_warnings_and_the_verdict(assessment: Assessment) -> None:
    text = Page(written(assessment)).text
    places = [
        text.index(one)
        for one in (
            "Before you trust the figures",
            "'TERMINAL_ID_RISK_30DAY_WINDOW' (0.31)",
            "The search was cut short",
            "This random forest learnt from 568,312 card transactions of 2018-04-01 to 2018-05-30",
            "average precision of 0.812 (0.771\u20130.850)",
            "Under the shipped policy (threshold 0.412)",
            "It catches 277 of 404 frauds",
            "In service the threshold is 0.403",
        )
    ]

    assert all(before < after for before, after in pairwise(places))


def test_without_warnings_there_is_no_box(assessment: Assessment) -> None:
    quiet = replace(assessment, notes=(), data=replace(assessment.data, findings=()))

    assert "Before you trust the figures" not in written(quiet)


def test_a_shipped_policy_out_of_reach_is_a_warning(assessment: Assessment) -> None:
    first, *others = assessment.decisions
    page = Page(written(replace(assessment, decisions=(replace(first, reached=False), *others))))

    assert "No threshold keeps what the shipped policy asks for" in page.text


def test_the_choice_is_explained(assessment: Assessment) -> None:
    text = Page(written(assessment)).text

    assert "random forest, weights, leaf 4 (chosen)" in text
    assert "the simplest of those inside the noise" in text
    assert "0.0032 (\u22120.0041 to 0.0107)" in text


def test_only_candidates_of_one_stage_are_drawn_together(assessment: Assessment) -> None:
    drawing = next(one for one in drawings(written(assessment)) if 'id="candidates-title"' in one)

    assert drawing.count("<circle") == 3
    assert drawing.count('class="dot main"') == 1
    assert "random forest with random splits, smote:0.1, features 0.5" in drawing


def test_the_area_below_the_steps_is_the_average_precision(assessment: Assessment) -> None:
    # Four frauds: two found at once, a false alarm, the third, two false alarms, the fourth.
    points = ((1.0, 4 / 7), (0.75, 3 / 4), (0.75, 3 / 6), (0.5, 1.0), (0.5, 2 / 3), (0.25, 1.0))
    few = replace(assessment.curves, precision_recall=points)
    drawing = next(
        one for one in drawings(written(replace(assessment, curves=few))) if 'id="precision-recall-title"' in one
    )

    path = re.search(r'class="area main" d="M(.*?)Z"', drawing)
    assert path is not None
    corners = [tuple(map(float, one.split())) for one in path[1].split("L")]
    area = sum((right[0] - left[0]) * (BOTTOM - left[1]) for left, right in pairwise(corners[1:-1]))
    expected = 0.5 * 1 + 0.25 * 3 / 4 + 0.25 * 4 / 7
    assert area / (RIGHT - LEFT) / (BOTTOM - TOP) == pytest.approx(expected, abs=2e-3)


def test_amounts_have_their_currency_where_one_is_known(assessment: Assessment) -> None:
    known, unknown = (Page(written(replace(assessment, currency=one))).text for one in ("EUR", None))

    assert "30,325 of 45,732 EUR of their money" in known
    assert "Money caught (EUR)" in known
    assert "where a false alarm costs 5 EUR" in known
    assert "What it costs: least 8,463 EUR" in known
    assert "EUR" not in unknown
    assert "Money is in the data's own currency" in unknown


def test_no_line_ends_within_a_moment(assessment: Assessment) -> None:
    html = written(assessment)

    assert '<td><span class="whole">2018-04-01 00:00</span></td>' in html
    assert 'of <span class="whole">2018-04-01</span> to <span class="whole">2018-05-30</span>, and' in html


def test_known_fraud_is_said_in_words(assessment: Assessment) -> None:
    assert "a bank would have blocked" in Page(written(assessment)).text
    assert "flatter" in Page(written(replace(assessment, known_fraud="keep"))).text


def test_a_sample_says_what_a_row_stands_for(assessment: Assessment) -> None:
    sampled = replace(assessment.data, sampling=Sampling(rows_in_file=20_000_000, legitimate_kept=0.05))

    text = Page(written(replace(assessment, data=sampled))).text

    assert "Of the file's 20,000,000 rows every fraud was kept, and of the legitimate ones 5.00% at random" in text
    assert "each of these counts as 20.0" in text


def test_names_never_become_markup(assessment: Assessment) -> None:
    page = written(
        replace(
            assessment,
            name=HOSTILE,
            profile=HOSTILE,
            notes=(HOSTILE,),
            importances=(Importance(feature=HOSTILE, mean=0.1, deviation=0.01),),
            segments=tuple(replace(one, value=HOSTILE) for one in assessment.segments),
            metrics={HOSTILE: assessment.metrics["random_forest"]},
            data=replace(assessment.data, left_out={HOSTILE: 1}, drift=(Drift(feature=HOSTILE, psi=2),)),
        )
    )

    assert Page(page).tags.isdisjoint({"script", "img"})
    assert Page(page).text.count(HOSTILE) >= 8


def test_long_names_are_cut_in_drawings_and_whole_in_tables(assessment: Assessment) -> None:
    name = "CUSTOMER_" * 12
    data = replace(assessment.data, drift=(Drift(feature=name, psi=0.4),))
    html = written(replace(assessment, data=data, importances=(Importance(feature=name, mean=0.1, deviation=0),)))

    assert f">{name[:37]}…</text>" in html
    assert f'<th scope="row">{name}</th>' in html


def test_without_amounts_there_is_no_money(assessment: Assessment) -> None:
    none = {"money_caught": None, "money_lost": None, "cost": None}
    points = tuple(replace(one, outcome=replace(one.outcome, **none)) for one in assessment.curves.thresholds)
    html = written(
        replace(
            assessment,
            decisions=tuple(replace(one, test=replace(one.test, **none)) for one in assessment.decisions),
            curves=replace(assessment.curves, thresholds=points),
        )
    )

    assert "money" not in Page(html).text.lower()
    assert 'id="costs-title"' not in html
    assert 'id="caught-title"' in html


def test_the_least_that_an_assessment_can_say_is_a_page(assessment: Assessment) -> None:
    nothing = Histogram(edges=(0.0, 1.0), counts=(0.0,))
    decision = assessment.decisions[0]
    measured = assessment.metrics["random_forest"]
    outcome = replace(
        decision.test,
        alerts_a_day=0.0,
        precision=None,
        recall=None,
        f1=None,
        money_caught=None,
        money_lost=None,
        cost=None,
    )
    html = written(
        replace(
            assessment,
            candidates=assessment.candidates[:1],
            decisions=(replace(decision, test=outcome),),
            metrics={"random_forest": replace(measured, precision=None, f1=None, roc_auc=None)},
            intervals={},
            folds=(),
            spread={},
            segments=(),
            importances=(),
            windows=(),
            notes=(),
            calibration=replace(assessment.calibration, method="none", bins_before=(), bins_after=()),
            data=replace(
                assessment.data,
                left_out={},
                missing={},
                unparsable={},
                clipped={},
                limits={},
                medians={},
                findings=(),
                drift=(),
            ),
            curves=Curves(precision_recall=(), roc=(), thresholds=(), scores_fraud=nothing, scores_legitimate=nothing),
        )
    )

    page = Page(html)
    assert set(page.ids) >= SECTIONS - {"segments"}
    assert "#segments" not in page.links
    assert "No earlier folds were evaluated" in page.text
    assert "Importances were not computed" in page.text
    assert "\u2013" in page.text
    assert "None" not in page.text.replace("Not intended", "")
    assert len(drawings(html)) == 1


def test_a_window_without_a_score_above_nought_is_drawn(assessment: Assessment) -> None:
    bins = tuple(
        replace(one, probability=0.0, fraud_rate=0.0, low=0.0, high=0.0) for one in assessment.calibration.bins_after
    )
    dull = replace(assessment.calibration, bins_before=bins, bins_after=bins)
    edges = Histogram(edges=(0.0, 0.5, 1.0), counts=(3.0, 0.0))

    html = written(
        replace(
            assessment,
            calibration=dull,
            curves=replace(assessment.curves, scores_fraud=edges, scores_legitimate=edges),
        )
    )

    assert len(drawings(html)) == len(PLOTS)
    assert "nan" not in " ".join(drawings(html))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_the_paper(assessment: Assessment, scheme: int) -> None:
    colours: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\}", written(assessment), re.DOTALL)[: scheme + 1]:
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6})", block))

    for ink, paper in (
        ("ink", "paper"),
        ("muted", "paper"),
        ("accent", "paper"),
        ("ink", "marked"),
        ("ink", "warn-wash"),
        ("warn", "warn-wash"),
    ):
        assert _contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
