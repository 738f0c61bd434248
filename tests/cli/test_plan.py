"""`fraud plan`, as a user runs it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.harness.commands import refusal_of, run

SMALL = ("--trees", "5", "--depth", "3", "--inputs", "4")


def test_a_plan_is_printed_with_what_it_rests_on() -> None:
    said = run("plan", "--rate", "50000", "--p99-ms", "50", *SMALL)

    for word in ("workers", "partitions", "scorer.batch_size", "scorer.batch_wait_ms", "to the brokers", "--commit-ms"):
        assert word in said
    assert "5 made-up trees of depth 3 over 4 columns" in said


def test_a_million_a_second_as_one_json_object() -> None:
    said = json.loads(run("plan", "--rate", "1e6", "--p99-ms", "100", "--json", *SMALL))

    assert said["demand"] == {"rate": 1e6, "p99_s": 0.1}
    assert said["plan"]["workers"] > 10
    assert said["plan"]["partitions"] % said["plan"]["workers"] == 0
    assert said["costs"]["transaction_s"] > 0.005
    assert [point["batch"] for point in said["measured"]["points"]] == [1, 10, 100, 500, 2000]
    assert len(said["in_words"]) > 4


def test_a_model_of_ones_own_is_measured(model: Path) -> None:
    said = json.loads(run("plan", "--rate", "1000", "--p99-ms", "100", "--model", model, "--json"))

    assert "over 3 columns" in said["measured"]["what"]


def test_figures_of_a_benchmark_are_planned_with(tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    lines = [
        {"figure": "transactions scored exactly once", "value": value, "batch": batch, "bytes": 879}
        for batch, value in ((500, 25_000), (2_000, 40_000))
    ]
    file.write_text("\n".join(map(json.dumps, lines)))

    said = json.loads(run("plan", "--rate", "20000", "--p99-ms", "200", "--figures", file, "--json"))

    assert said["measured"]["points"][0] == {"batch": 500, "seconds": 0.02}
    assert said["assumptions"]["record_bytes"] == 879
    assert abs(said["costs"]["record_s"] - 2e-5) < 1e-12


def test_an_impossible_p99_is_refused_with_the_bound() -> None:
    said = refusal_of("plan", "--rate", "10", "--p99-ms", "5", *SMALL)

    assert "a p99 of 5 ms is below what one transaction costs" in said
    assert re.search(r"the bound is \d+ ms", said)


def test_figures_that_are_not_there(tmp_path: Path) -> None:
    assert "no-figures" in refusal_of("plan", "--rate", "9", "--p99-ms", "90", "--figures", tmp_path / "no-figures")
