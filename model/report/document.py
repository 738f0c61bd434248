"""`metrics.json`: the assessment as a file that programs read."""

from __future__ import annotations

import msgspec

from model.errors import Mendable
from model.measuring.assessment import Assessment


class MetricsUnreadable(Mendable):
    """A `metrics.json` that holds no assessment."""


def metrics_json(assessment: Assessment) -> bytes:
    """The assessment as indented JSON; the same bytes for the same assessment.

    Raises:
        ValueError: A figure is not finite, which JSON cannot say: the file could not be read again.
    """
    encoded = msgspec.json.encode(assessment)
    try:
        msgspec.json.decode(encoded, type=Assessment)
    except msgspec.ValidationError as mistake:
        raise ValueError(f"the assessment does not fit its own contract ({mistake})") from mistake
    return msgspec.json.format(encoded, indent=2) + b"\n"


def parse_metrics(content: bytes) -> Assessment:
    """The assessment in the bytes of a `metrics.json`.

    Raises:
        MetricsUnreadable: They are no JSON, or not of this contract.
    """
    try:
        return msgspec.json.decode(content, type=Assessment)
    except msgspec.DecodeError as mistake:
        raise MetricsUnreadable(
            f"metrics.json holds no assessment ({mistake})", remedy="train again, or restore the file"
        ) from mistake
