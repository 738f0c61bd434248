"""`metrics.json`: what is written is what is read."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from model.measuring.assessment import Assessment
from model.report.document import MetricsUnreadable, metrics_json, parse_metrics


def test_what_is_written_is_read_again(assessment: Assessment) -> None:
    written = metrics_json(assessment)

    found = parse_metrics(written)

    assert found == assessment
    assert list(found.metrics) == list(assessment.metrics)
    assert metrics_json(found) == written


def test_it_is_json_for_people_too(assessment: Assessment) -> None:
    written = metrics_json(assessment).decode()

    assert json.loads(written)["data"]["rows"] == assessment.data.rows
    assert written.startswith('{\n  "name": "card-payments",\n')
    assert written.endswith("}\n")


def test_a_figure_that_json_cannot_say_is_refused(assessment: Assessment) -> None:
    with pytest.raises(ValueError, match="threshold"):
        metrics_json(replace(assessment, threshold=float("nan")))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"name": 1}', b"\xff", b"[]"])
def test_anything_else_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(MetricsUnreadable, match=r"^metrics\.json holds no assessment \(.*\): train again") as refusal:
        parse_metrics(content)

    assert "\n" not in str(refusal.value)
