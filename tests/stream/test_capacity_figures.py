"""The planner's costs out of lines of a benchmark."""

from __future__ import annotations

import json

import pytest

from stream.capacity_figures import FiguresUnusable, stream_costs

FIGURE = "transactions scored exactly once"


def line(**fields: object) -> bytes:
    return json.dumps({"figure": FIGURE, "unit": "tx/s", "cpus": 2, "ratio": 0.6, **fields}).encode()


def test_the_scorers_own_throughput_by_batch_size() -> None:
    found = stream_costs(
        [
            line(batch=500, value=25_000.0, bytes=879),
            line(batch=2000, value=40_000.0, contender="ours"),
            line(batch=2000, value=90_000.0, contender="ceiling"),
            line(figure="rows scored", batch=1, value=9.0),
            b"",
        ]
    )

    assert found.points == ((500, 0.02), (2000, 0.05))
    assert found.record_bytes == 879
    assert found.costs(0.001).transaction_s == pytest.approx(0.01)
    assert found.costs(0.001).record_s == pytest.approx(2e-5)
    assert found.costs(0.03).transaction_s == 0.03, "it costs as much where batches are small"


@pytest.mark.parametrize(
    "lines", [[], [line(batch=500)], [line(value=3.0)], [line(batch=500, value=0)], [line(figure="x")]]
)
def test_nothing_to_plan_with(lines: list[bytes]) -> None:
    with pytest.raises(FiguresUnusable, match="make bench"):
        stream_costs(lines)


@pytest.mark.parametrize("broken", [b"{", b"[]", b"\xff", b'{"figure": 1}'])
def test_a_line_that_is_none_is_named_by_its_number(broken: bytes) -> None:
    with pytest.raises(FiguresUnusable, match="line 2 "):
        stream_costs([line(batch=500, value=3.0), broken])
