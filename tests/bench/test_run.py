"""The whole of it, on few transactions and a real broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench import contest, sweep
from bench.materials import gather_materials
from bench.roster import CEILING, OURS, Contender
from bench.run import Plan, Run
from bench.trial_run import Cluster
from stream.capacity_figures import stream_costs

ABSENT = Contender("nobody", "nobody at all")
FEW = 40_000
SENT = 400


@pytest.mark.kafka
def test_ceiling_and_ours_answer_everything_and_who_is_not_there_says_so(
    kafka: str, simulated: Path, tmp_path: Path
) -> None:
    lines: list[Mapping[str, Any]] = []
    materials = gather_materials(tmp_path, simulated, "simulated", rows=5_000, cache=tmp_path)
    plan = Plan(contenders=[OURS, ABSENT], batches=[500], transactions=FEW, rates=[200], seconds=2, warming=0)
    run = Run(plan, Cluster(kafka), materials, tell=lines.append, say=lambda _: None)

    run.throughput()
    run.latency()

    of = {(line["figure"], line["contender"]): line for line in lines}
    assert len(of) == len(lines) == 6
    for name in (CEILING.name, OURS.name):
        throughput, latency = of[contest.FIGURE, name], of[sweep.FIGURE, name]
        assert throughput["unit"] == "tx/s"
        assert 0 < throughput["transactions"] <= FEW
        assert throughput["batch"] == 500
        assert throughput.keys() >= {"value", "baseline_value", "ratio", "cpu_us", "drift", "bytes", "inputs", "load"}
        assert latency["transactions"] == sum(count for _, count in latency["histogram"])
        assert 0 < latency["transactions"] < SENT
        assert latency.keys() >= {"value", "p99", "p999", "longest", "ratio", "ratio_p99", "rate", "batch"}
    for figure in (contest.FIGURE, sweep.FIGURE):
        assert of[figure, ABSENT.name]["value"] is None
        assert of[figure, ABSENT.name]["reason"]
    (point,) = stream_costs([json.dumps(line).encode() for line in lines]).points
    assert point[0] == 500
