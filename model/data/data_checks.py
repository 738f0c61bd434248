"""What is suspicious in data, told before anything is learnt from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model.data.dataset import Dataset
from model.data.leaks import LabelLeaks, leaks
from model.measuring.assessment import Finding
from model.profile import Profile

FEW_FRAUDS: Final = 50
_MUCH_MISSING: Final = 0.5
_NEARLY_ALL: Final = 0.99
_LEAST_ROWS: Final = 100  # to say of whole numbers that hardly any is there twice
# "account_id", "ID", "cardNumber" and the like, but not "valid".
_CALLED_IDENTIFIER: Final = re.compile(r"(?i:(?:^|[\W_])(?:id|uuid|key|hash|number|nr))$|[a-z](?:Id|ID|Key|Number|Nr)$")


def examine(dataset: Dataset, profile: Profile, *, allow_leaks: bool) -> tuple[Finding, ...]:
    """What people should know of the data before a model learns from it.

    Args:
        dataset: With labels, in the order of the file; with or without duplicates.
        profile: It was read with.
        allow_leaks: Whether an input that tells the label by itself is told as a finding, rather than refused.

    Raises:
        LabelLeaks: There are such inputs, and they are not allowed; all are named.
    """
    found = leaks(dataset, profile)
    if found and not allow_leaks:
        raise LabelLeaks(found)
    told = [
        Finding(kind="leak", column=leak.column, text=f"input {leak} tells fraud from legitimate by itself")
        for leak in found
    ]
    return (*told, *_of_columns(dataset, profile), *_of_cells(dataset), *_of_rows(dataset))


def _of_columns(dataset: Dataset, profile: Profile) -> Iterator[Finding]:
    for name, values in zip(profile.inputs, dataset.inputs.T, strict=True):
        present = values[~np.isnan(values)]
        missing = len(values) - len(present)
        if len(present) == 0:
            yield Finding(kind="all_missing", column=name, text=f"input {name!r} has no value in any row")
        elif present.min() == present.max():
            beside = f" and is missing in {missing}" if missing else ""
            text = f"input {name!r} is {present[0]:g} in {len(present)} rows{beside}: nothing can be learnt from it"
            yield Finding(kind="constant", column=name, text=text)
        elif name != profile.time.column and (why := _identifier(name, present, dataset.found.rows)):
            yield Finding(kind="near_unique", column=name, text=f"input {name!r} looks like an identifier: {why}")
        if _MUCH_MISSING * len(values) < missing < len(values):
            text = f"input {name!r} is missing in {missing} of {len(values)} rows"
            yield Finding(kind="missing", column=name, text=text)


def _identifier(name: str, present: NDArray[np.float64], rows_in_file: int) -> str | None:
    """Why whole numbers of which hardly any is there twice are taken for names; None where they are not."""
    if len(present) < _LEAST_ROWS or (present != np.rint(present)).any():
        return None
    distinct = len(np.unique(present))
    if distinct <= _NEARLY_ALL * len(present):
        return None
    steps = np.diff(present)
    if (steps > 0).mean() > _NEARLY_ALL:
        why = "they rise from row to row"
    elif present.max() - present.min() < 2 * rows_in_file:
        why = "they leave hardly a number out"
    elif _CALLED_IDENTIFIER.search(name):
        why = "it is called like one"
    else:
        return None
    return f"{distinct} different whole numbers in {len(present)} rows, and {why}"


def _of_cells(dataset: Dataset) -> Iterator[Finding]:
    for name, count in dataset.found.unparsable.items():
        text = f"column {name!r} has {count} cells that hold something else than a number; they count as missing"
        yield Finding(kind="unparsable", column=name, text=text)


def _of_rows(dataset: Dataset) -> Iterator[Finding]:
    assert dataset.labels is not None, "read with need_labels=True"
    found = dataset.found
    if left_out := found.without_time + found.without_label:
        text = (
            f"{left_out} of {found.rows} rows are left out: {found.without_time} without a usable time, "
            f"{found.without_label} without a label"
        )
        yield Finding(kind="left_out", column=None, text=text)
    frauds = int(dataset.labels.sum())
    if frauds < FEW_FRAUDS:
        # Half the 95 % interval of a share of one half, by the normal approximation.
        points = 98 / math.sqrt(max(frauds, 1))
        text = (
            f"{frauds} frauds only, all windows together: measures will be noisy: even judged by all of them, "
            f"a recall of 50 % were uncertain by {points:.0f} points up or down"
        )
        yield Finding(kind="few_frauds", column=None, text=text)
    if back := int((np.diff(dataset.times) < 0).sum()):
        text = f"time steps back {back} times in the file's order; the rows are put in the order of time"
        yield Finding(kind="time_does_not_increase", column=None, text=text)
