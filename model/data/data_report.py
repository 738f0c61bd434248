"""What was found in the data and done with it, put together for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.data.fingerprint import fingerprint
from model.measuring.assessment import DataReport, Drift, Finding
from model.profile import Profile


def data_report(
    dataset: Dataset,
    clean: Dataset,
    profile: Profile,
    *,
    findings: Sequence[Finding],
    drifts: Sequence[Drift],
    medians: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    training_inputs: NDArray[np.float64],
    training_weights: NDArray[np.float64] | None = None,
) -> DataReport:
    """Puts it together.

    Args:
        dataset: With labels, as read.
        clean: The same without duplicates, one row at least.
        profile: It was read with.
        findings: Of `model.data.data_checks` and `model.data.drift`; one of duplicates is added where there are any.
        drifts: From training to test, the largest first.
        medians: float64[d], what a missing cell becomes.
        low: float64[d], the lower clipping limits.
        high: float64[d], the upper ones.
        training_inputs: float64[n, d] of the training window, before anything is clipped, NaN where missing.
        training_weights: float64[n], what its rows stand for; None where each stands for itself.
    """
    assert clean.labels is not None, "read with need_labels=True"
    found = dataset.found
    duplicates = round(float(dataset.weights.sum() - clean.weights.sum()))
    left_out = {"without time": found.without_time, "without label": found.without_label, "duplicates": duplicates}
    clipped = _clipped(training_inputs, low, high, training_weights)
    return DataReport(
        fingerprint=fingerprint(dataset),
        rows=found.rows,
        frauds=int(clean.labels.sum()),
        first=_moment(clean.times.min()),
        last=_moment(clean.times.max()),
        left_out={reason: rows for reason, rows in left_out.items() if rows},
        missing=dict(found.missing),
        unparsable=dict(found.unparsable),
        clipped={name: cells for name, cells in zip(profile.inputs, clipped, strict=True) if cells},
        limits=dict(zip(profile.inputs, zip(low.tolist(), high.tolist(), strict=True), strict=True)),
        medians=dict(zip(profile.inputs, medians.tolist(), strict=True)),
        sampling=found.sampling,
        findings=(*findings, *_of_duplicates(duplicates, found.rows)),
        drift=tuple(drifts),
    )


def _clipped(
    inputs: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
) -> list[int]:
    """Cells beyond the limits, by column."""
    counts = np.ones(len(inputs)) if weights is None else weights
    columns = zip(inputs.T, low.tolist(), high.tolist(), strict=True)
    return [round(float(counts[(values < least) | (values > most)].sum())) for values, least, most in columns]


def _of_duplicates(duplicates: int, rows: int) -> tuple[Finding, ...]:
    if not duplicates:
        return ()
    text = f"{duplicates} of {rows} rows are there already, equal in every column: the first of each is kept"
    return (Finding(kind="duplicates", column=None, text=text),)


def _moment(epoch_ms: np.int64) -> datetime:
    return datetime.fromtimestamp(int(epoch_ms) / 1000, UTC)
