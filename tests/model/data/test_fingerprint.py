from __future__ import annotations

import struct
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from model.data.dataset import dataset_from_frame, read_dataset
from model.data.fingerprint import fingerprint
from tests.harness.labelled import PROFILE, labelled_frame

FRAME = labelled_frame(50).assign(risk=lambda frame: frame["risk"].mask(frame.index % 7 == 0))
DATASET = dataset_from_frame(FRAME, PROFILE, need_labels=True, source="table")


def test_equal_data_have_equal_fingerprints_whatever_their_file(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "data.csv", index=False)
    FRAME.to_parquet(tmp_path / "data.parquet")

    read = [read_dataset(tmp_path / name, PROFILE, need_labels=True) for name in ("data.csv", "data.parquet")]

    assert {fingerprint(one) for one in read} == {fingerprint(DATASET)}
    assert len(fingerprint(DATASET)) == 64


def test_the_fingerprint_is_that_of_the_bytes_wherever_it_is_taken() -> None:
    inputs = np.array([[1.5, np.nan], [-0.25, 1e300]])
    known = replace(
        DATASET.take(np.arange(2)), times=np.array([0, 1_000]), labels=np.array([0, 1], np.int8), inputs=inputs
    )

    content = b"2 rows, 2 inputs" + struct.pack("<qqbbdddd", 0, 1_000, 0, 1, 1.5, float("nan"), -0.25, 1e300)
    assert fingerprint(known) == sha256(content).hexdigest()


def test_a_missing_number_is_one_whichever_its_bits() -> None:
    other_nan = np.where(np.isnan(DATASET.inputs), -np.nan, DATASET.inputs)

    assert other_nan.tobytes() != DATASET.inputs.tobytes()
    assert fingerprint(replace(DATASET, inputs=other_nan)) == fingerprint(DATASET)


def test_any_change_changes_it() -> None:
    assert DATASET.labels is not None
    later, label, number = DATASET.times.copy(), DATASET.labels.copy(), DATASET.inputs.copy()
    later[7] += 1
    label[7] ^= 1
    number[7, 1] = np.nextafter(number[8, 1], np.inf)
    changed = [
        replace(DATASET, times=later),
        replace(DATASET, labels=label),
        replace(DATASET, inputs=number),
        replace(DATASET, inputs=DATASET.inputs[:, ::-1]),
        DATASET.take(np.arange(49)),
        DATASET.take(np.arange(50)[::-1].copy()),
    ]

    assert len({fingerprint(one) for one in [DATASET, *changed]}) == 1 + len(changed)
