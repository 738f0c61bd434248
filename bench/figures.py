"""One JSON line a figure, with the machine that it was seen on."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from typing import IO, Any

import confluent_kafka
import sklearn


def machine() -> dict[str, Any]:
    """What a figure depends on besides our code."""
    return {
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "librdkafka": confluent_kafka.libversion()[0],
    }


def line_of(
    figure: str, value: float, unit: str, *, baseline: str, baseline_value: float | None, **conditions: Any
) -> dict[str, Any]:
    """One figure beside its baseline; `ratio` is value over baseline, None where there is no baseline."""
    return {
        "figure": figure,
        "value": round(value, 4),
        "unit": unit,
        "baseline": baseline,
        "baseline_value": None if baseline_value is None else round(baseline_value, 4),
        "ratio": None if baseline_value is None else round(value / baseline_value, 3),
        **conditions,
        **machine(),
    }


def absent_line(figure: str, unit: str, *, reason: str, **conditions: Any) -> dict[str, Any]:
    """That there is no figure, and why; nothing stands in its place."""
    return {"figure": figure, "value": None, "unit": unit, "reason": reason, **conditions, **machine()}


def print_line(line: Mapping[str, Any], file: IO[str] | None = None) -> None:
    """To stdout at once, and to a file."""
    for where in (sys.stdout, file):
        if where is not None:
            print(json.dumps(line), file=where, flush=True)


def show(figure: str, value: float, unit: str, *, baseline: str, baseline_value: float, **conditions: Any) -> None:
    """Prints one figure beside its baseline; `ratio` is value over baseline."""
    print_line(line_of(figure, value, unit, baseline=baseline, baseline_value=baseline_value, **conditions))
