"""One JSON line a figure, with the machine that it was seen on."""

from __future__ import annotations

import json
import os
import platform
from typing import Any

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


def show(figure: str, value: float, unit: str, *, baseline: str, baseline_value: float, **conditions: Any) -> None:
    """Prints one figure beside its baseline; `ratio` is value over baseline."""
    line = {
        "figure": figure,
        "value": round(value, 4),
        "unit": unit,
        "baseline": baseline,
        "baseline_value": round(baseline_value, 4),
        "ratio": round(value / baseline_value, 3),
        **conditions,
        **machine(),
    }
    print(json.dumps(line), flush=True)
