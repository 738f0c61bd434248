"""What Grafana draws and Prometheus watches exists: every metric, label and label's value, in the live registries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import CollectorRegistry

from alerting.metrics import AlertMetrics
from stream.metrics import ScorerMetrics

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
BOARD: Final[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "dashboards" / "fraudstream.json").read_text())
PANELS: Final[list[dict[str, Any]]] = BOARD["panels"]

# Prometheus gives these to every series that it scrapes.
SCRAPED: Final = {"job", "instance"}
SELECTOR: Final = re.compile(r"\b(fraud_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER: Final = re.compile(r'(\w+)\s*(?:=|!=|=~|!~)\s*"([^"]*)"')
GROUPING: Final = re.compile(r"\bby \(([^)]*)\)")


def panel_expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]


def rule_expressions() -> Iterator[tuple[str, str]]:
    for path in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield f"rule {rule['alert']}", rule["expr"]


EXPRESSIONS: Final = [*panel_expressions(), *rule_expressions()]


@pytest.fixture(scope="module")
def series() -> Mapping[str, list[Mapping[str, str]]]:
    """The labels of every live series, by its name: a scorer's and an alert worker's, with something to tell."""
    registry = CollectorRegistry()
    scorer = ScorerMetrics(registry)
    scorer.model_loaded("demo", "1", ["amount"])
    scorer.lag({("transactions", 0): 0})
    scorer.skipped(0, 1)
    alerts = AlertMetrics(registry, ["sms"])
    alerts.lag({("verdicts", 0): 0})
    live: dict[str, list[Mapping[str, str]]] = {"up": [{"job": job} for job in ("scorer", "alerts")]}
    for metric in registry.collect():
        for sample in metric.samples:
            live.setdefault(sample.name, []).append(sample.labels)
    return live


@pytest.mark.parametrize(("place", "expression"), EXPRESSIONS, ids=[place for place, _ in EXPRESSIONS])
def test_what_is_asked_for_exists(place: str, expression: str, series: Mapping[str, list[Mapping[str, str]]]) -> None:
    selectors = SELECTOR.findall(expression)
    assert selectors, f"{place} asks for nothing of ours"
    labels = set(SCRAPED)
    for name, matchers in selectors:
        assert name in series, f"{place}: no metric {name}"
        values = {(label, value) for one in series[name] for label, value in one.items()}
        for matcher in MATCHER.findall(matchers):
            assert matcher in values, f"{place}: no series {name} with {matcher}"
        labels |= {label for label, _ in values}
    for group in GROUPING.findall(expression):
        assert {label.strip() for label in group.split(",")} <= labels, f"{place}: by ({group})"


@pytest.mark.parametrize(
    "metric",
    [
        "fraud_transactions_total",
        "fraud_verdicts_total",
        "fraud_dead_letters_total",
        "fraud_consumer_lag",
        "fraud_batch_size_bucket",
        "fraud_scoring_seconds_bucket",
        "fraud_event_to_verdict_seconds_bucket",
        "fraud_record_to_verdict_seconds_bucket",
        "fraud_batch_commits_total",
        "fraud_notifications_total",
        "fraud_notifications_failed_total",
        "fraud_notifications_suppressed_total",
        "fraud_alert_open_notifications",
    ],
)
def test_what_matters_is_drawn(metric: str) -> None:
    assert [place for place, expression in panel_expressions() if re.search(rf"\b{metric}\b", expression)]


def test_a_legend_names_only_labels_that_its_query_keeps() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            kept = {label.strip() for group in GROUPING.findall(target["expr"]) for label in group.split(",")}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= kept, panel["title"]


def test_panels_are_of_one_data_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    for panel in PANELS:
        for item in (panel, *panel["targets"]):
            assert item["datasource"] == {"type": source["type"], "uid": source["uid"]}


def test_grafana_finds_the_board_under_a_fixed_name() -> None:
    assert BOARD["uid"] == "fraudstream"
    assert BOARD["schemaVersion"] >= 39
    ids = [panel["id"] for panel in PANELS]
    assert len(ids) == len(set(ids))
    assert [panel["title"] for panel in PANELS if not panel["description"]] == []


def test_no_panel_covers_another() -> None:
    cells: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        box = panel["gridPos"]
        assert box["x"] + box["w"] <= 24
        for x in range(box["x"], box["x"] + box["w"]):
            for y in range(box["y"], box["y"] + box["h"]):
                assert cells.setdefault((x, y), panel["title"]) == panel["title"]


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    names = []
    for path in (DEPLOY / "prometheus" / "rules").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                names.append(rule["alert"])
                assert rule["labels"]["severity"] in {"page", "ticket"}
                assert set(rule["annotations"]) == {"summary", "remedy"}
    assert names
    assert len(names) == len(set(names))
