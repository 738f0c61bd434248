from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model.learning.export import fraud_probabilities, serving_model
from model.learning.preparation import with_times
from model.profile import load_profile, shipped_profiles
from model.scoring.arrays import pack, unpack
from model.scoring.calendar import CALENDAR
from model.scoring.calibration import IDENTITY, Calibration
from model.scoring.forest import Forest
from model.scoring.linear import Linear
from model.scoring.serving import _ARRAYS, ServingDamaged, ServingModel
from tests.harness.served import ISOTONIC, SIGMOID, fitted, named, served, table

CALIBRATIONS = [IDENTITY, SIGMOID, ISOTONIC]
WIDTHS = sorted({len(load_profile(name).inputs) for name in shipped_profiles()})


def _extremes(width: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows with gaps, rows far beyond all limits, and an empty one."""
    rows, times, _ = table(width, seed=8)
    largest = np.finfo(np.float64).max
    rows[0], rows[1], rows[2], rows[3] = np.nan, largest, -largest, 0.0
    rows[4:8] *= 1e200
    rows[8:12] = np.copysign(5e-324, rows[8:12])
    times[:3] = (0, 253_402_300_799_999, 1)
    return rows, times


@pytest.mark.parametrize("calendar", [(), CALENDAR, ("weekend",)])
@pytest.mark.parametrize("width", [1, *WIDTHS])
def test_rows_are_prepared_and_scored_as_in_training_to_the_last_bit(width: int, calendar: tuple[str, ...]) -> None:
    pipeline = fitted(width, calendar=calendar)
    model = serving_model(pipeline, inputs=named(width), calendar=calendar, calibration=IDENTITY)
    rows, times = _extremes(width)
    timed = with_times(rows, times, calendar)

    prepared = model.prepare(rows, times)

    assert prepared.tobytes() == pipeline.named_steps["prepare"].transform(timed).tobytes()
    assert model.raw_scores(rows, times).tobytes() == fraud_probabilities(pipeline, timed).tobytes()
    assert len(np.unique(model.probabilities(rows, times))) > 20
    assert model.features == (*named(width), *calendar)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_regression_scores_as_in_training(width: int) -> None:
    pipeline = fitted(width, calendar=CALENDAR, linear=True)
    model = serving_model(pipeline, inputs=named(width), calendar=CALENDAR, calibration=IDENTITY)
    rows, times = _extremes(width)
    expected = fraud_probabilities(pipeline, with_times(rows, times, CALENDAR))

    np.testing.assert_allclose(model.raw_scores(rows, times), expected, rtol=0, atol=1e-15)


def test_the_rows_given_are_left_as_they_are() -> None:
    rows, times = _extremes(3)
    before = rows.tobytes()

    model = served(3)
    model.probabilities(rows, times)
    model.explain(rows, times)

    assert rows.tobytes() == before


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=lambda one: one.method)
@pytest.mark.parametrize("linear", [False, True])
def test_contributions_lead_from_the_base_to_the_calibrated_probability(linear: bool, calibration: Calibration) -> None:
    model = served(6, calendar=CALENDAR, linear=linear, calibration=calibration)
    rows, times = _extremes(6)

    told = model.explain(rows, times)

    probabilities = model.probabilities(rows, times)
    assert told.contributions.shape == told.values.shape == (len(rows), 9)
    assert 0 <= told.base <= 1
    np.testing.assert_allclose(told.base + told.contributions.sum(axis=1), probabilities, rtol=0, atol=1e-12)


@pytest.mark.parametrize("linear", [False, True])
def test_a_calibration_keeps_the_signs_and_the_order_of_contributions(linear: bool) -> None:
    rows, times = _extremes(6)
    model = served(6, linear=linear)
    own, _ = model.classifier.contributions(model.prepare(rows, times))

    told = replace(model, calibration=ISOTONIC).explain(rows, times).contributions

    large = np.abs(own) > 1e-9
    assert (np.sign(told) == np.sign(own))[large].all()
    strongest = np.abs(own).argmax(axis=1)[:, np.newaxis]
    factors = told / np.take_along_axis(told, strongest, axis=1)
    expected = own / np.take_along_axis(own, strongest, axis=1)
    np.testing.assert_allclose(factors, expected, atol=1e-6)


def test_the_values_told_are_those_that_came() -> None:
    rows, times = _extremes(2)

    values = served(2, calendar=("hour",)).explain(rows, times).values

    np.testing.assert_array_equal(values[:, :2], rows)
    np.testing.assert_array_equal(values[:, 2], times // 3_600_000 % 24)


def test_a_row_is_explained_alike_in_whatever_batch_it_stands() -> None:
    model = served(7, calendar=CALENDAR, calibration=SIGMOID)
    rows, times = _extremes(7)
    together = model.explain(rows, times).contributions

    alone = [model.explain(rows[at : at + 1], times[at : at + 1]).contributions for at in range(len(rows))]

    assert np.concatenate(alone).tobytes() == together.tobytes()
    assert model.explain(rows[:0], times[:0]).contributions.shape == (0, 10)


def _tug_of_war(*, level: bool) -> ServingModel:
    """One tree in which the first feature adds what the second takes away: all of it, or not quite."""
    end = 0.5 if level else 0.5000001
    return replace(
        served(2),
        classifier=Forest(
            np.array([0]),
            np.array([0, -1, 1, -1, -1], np.int32),
            np.array([0.0, 0, 0, 0, 0]),
            np.array([1, 1, 3, 3, 4], np.int32),
            np.array([2, 1, 4, 3, 4], np.int32),
            np.array([0.5, 0.1, 0.9, end, 1.0]),
        ),
        calibration=SIGMOID,
    )


def test_contributions_that_cancel_are_told_as_they_are() -> None:
    model = _tug_of_war(level=True)
    row = np.array([[model.high[0], model.low[1]]])

    told = model.explain(row, np.zeros(1, np.int64))

    assert told.contributions.tolist() == [[0.4, -0.4]]
    assert model.probabilities(row, np.zeros(1, np.int64)).tolist() == [told.base]


def test_contributions_that_nearly_cancel_stay_within_reach() -> None:
    model = _tug_of_war(level=False)
    row = np.array([[model.high[0], model.low[1]]])

    contributions = model.explain(row, np.zeros(1, np.int64)).contributions

    assert np.abs(contributions).max() < 1
    assert contributions.sum() > 0


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=lambda one: one.method)
@pytest.mark.parametrize("linear", [False, True])
def test_a_model_comes_back_from_its_bytes_as_it_was(linear: bool, calibration: Calibration) -> None:
    model = served(
        5, inputs=("é", 'a"b', "V3", "hour", "V5"), calendar=CALENDAR, linear=linear, calibration=calibration
    )
    rows, times = _extremes(5)

    content = model.encode()
    again = ServingModel.decode(content)

    assert (again.inputs, again.calendar, again.features) == (model.inputs, model.calendar, model.features)
    assert again.probabilities(rows, times).tobytes() == model.probabilities(rows, times).tobytes()
    told, expected = again.explain(rows, times), model.explain(rows, times)
    assert told.base == expected.base
    assert told.contributions.tobytes() == expected.contributions.tobytes()
    assert again.encode() == content == model.encode()


def test_the_bytes_are_an_ordinary_file_of_numpy() -> None:
    with np.load(io.BytesIO(served(4).encode()), allow_pickle=False) as arrays:
        assert set(arrays) == set(_ARRAYS)


def _set(at: int, value: float) -> Callable[[NDArray[Any]], NDArray[Any]]:
    def change(array: NDArray[Any]) -> NDArray[Any]:
        changed = array.copy()
        changed[at] = value
        return changed

    return change


def _said(text: str) -> Callable[[NDArray[Any]], NDArray[Any]]:
    return lambda _: np.frombuffer(text.encode(), np.uint8)


def _about(inputs: str, *, calendar: str = "", calibration: str = "isotonic") -> Callable[[Any], NDArray[Any]]:
    of = f'"classifier":"forest","calibration":"{calibration}"'
    return _said(f'{{"inputs":[{inputs}],"calendar":[{calendar}],{of}}}')


@pytest.fixture(scope="module")
def contents() -> dict[bool, bytes]:
    """A forest's bytes, and under True a regression's."""
    return {linear: served(3, linear=linear, calibration=ISOTONIC).encode() for linear in (False, True)}


@pytest.mark.parametrize(
    ("name", "change", "flaw"),
    [
        ("scale", _set(0, 0), "limits"),
        ("low", _set(0, 1e9), "limits"),
        ("medians", _set(0, np.nan), "not finite"),
        ("high", _set(0, np.inf), "not finite"),
        ("centre", lambda array: array[:-1], "3 inputs"),
        ("centre", lambda array: array[:, np.newaxis], "list of numbers"),
        ("scale", _set(0, 5e-324), "infinity"),
        ("scale", lambda array: array.astype(np.float32), "none of float64"),
        ("forest_left", _set(0, 0), "does not stand behind"),
        ("forest_feature", _set(0, 3), "splits on others"),
        ("forest_roots", lambda array: array[:0], "one behind the other"),
        ("linear_intercept", lambda _: np.zeros(1), "intercept"),
        ("calibration_line", lambda array: array[:1], "intercept"),
        ("calibration_line", _set(0, -1), "does not increase"),
        ("calibration_values", _set(1, 0.9), "does not increase"),
        ("calibration_values", _set(-1, 1.1), "does not increase"),
        ("calibration_knots", _set(0, 0.1), "from 0 to 1"),
        ("about", _said("{}"), "inputs"),
        ("about", lambda _: np.array([123, 34, 255, 34], np.uint8), "damaged"),
        ("about", _about('"a","b","c"', calendar='"minute"'), "minute"),
        ("about", _about('"a","a","b"'), "two of one name"),
        ("about", _about('"a","b"'), "2 inputs"),
        ("about", _about('"a","b","c"', calibration="none"), "knots"),
    ],
)
def test_arrays_that_contradict_themselves_are_refused(
    name: str, change: Callable[[NDArray[Any]], NDArray[Any]], flaw: str, contents: dict[bool, bytes]
) -> None:
    arrays = unpack(contents[False], _ARRAYS)

    with pytest.raises(ServingDamaged) as refusal:
        ServingModel.decode(pack({**arrays, name: change(arrays[name])}))

    assert flaw in refusal.value.problem


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("linear_coefficients", _set(1, np.inf)),
        ("linear_centre", lambda array: array[1:]),
        ("linear_intercept", lambda array: array[:0]),
    ],
)
def test_a_regression_that_contradicts_itself_is_refused(
    name: str, change: Callable[[NDArray[Any]], NDArray[Any]], contents: dict[bool, bytes]
) -> None:
    arrays = unpack(contents[True], _ARRAYS)

    with pytest.raises(ServingDamaged):
        ServingModel.decode(pack({**arrays, name: change(arrays[name])}))


def test_a_model_from_before_the_way_of_gaps_was_kept_scores_as_ever() -> None:
    model, (rows, times) = served(3), _extremes(3)
    arrays = unpack(model.encode(), _ARRAYS)
    assert len(arrays.pop("forest_missing_left")) == len(arrays["forest_feature"])

    older = ServingModel.decode(pack(arrays))

    assert older.probabilities(rows, times).tobytes() == model.probabilities(rows, times).tobytes()
    assert ServingModel.decode(older.encode()).encode() == older.encode()


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), pack({"about": np.zeros(1)})])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(ServingDamaged, match="arrays"):
        ServingModel.decode(content)


def test_bytes_that_were_altered_anywhere_are_refused_or_still_a_model() -> None:
    content = served(2).encode()
    rows, times = _extremes(2)
    source = np.random.default_rng(2)
    refused = 0
    for at in source.permutation(len(content))[:400]:
        altered = bytearray(content)
        altered[at] ^= int(source.integers(1, 256))
        for hostile in (bytes(altered), content[:at]):
            try:
                scores = ServingModel.decode(hostile).probabilities(rows[:5], times[:5])
            except ServingDamaged:
                refused += 1
            else:
                assert ((scores >= 0) & (scores <= 1)).all()
    assert refused > 600


def _archive(members: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def _headed(header: str, values: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + values


@pytest.mark.parametrize(
    "member",
    [
        _headed("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,)}"),
        _headed("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 1000000000000)}"),
        _headed("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -5)}", b"12345"),
        _headed("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"cos\nsystem\n(S'true'\ntR."),
        _headed("{'descr': '|u1', 'fortran_order': True, 'shape': (1,)}", b"1"),
        _headed("{'descr': [('a', '|u1', (10000000000,))], 'fortran_order': False, 'shape': ()}"),
        _headed("(" * 9_000),
        _headed("-" * 9_000 + "1"),
        _headed("__import__('os').abort()"),
        b"\x93NUMPY\x03\x00\xff\xff\xff\xff",
        b"",
    ],
)
def test_a_hostile_array_is_refused_without_much_memory(member: bytes, contents: dict[bool, bytes]) -> None:
    with zipfile.ZipFile(io.BytesIO(contents[False])) as archive:
        members = {name: archive.read(f"{name}.npy") for name in _ARRAYS}

    _assert_refused_cheaply(_archive({**members, "about": member}))


def test_what_would_grow_when_unpacked_is_refused_without_much_memory() -> None:
    _assert_refused_cheaply(_archive(dict.fromkeys(_ARRAYS, bytes(5_000_000)), compression=zipfile.ZIP_DEFLATED))


def _assert_refused_cheaply(content: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ServingDamaged):
            ServingModel.decode(content)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_a_regression_lacks_of_a_forest_takes_no_room() -> None:
    model = served(3, linear=True)

    assert isinstance(ServingModel.decode(model.encode()).classifier, Linear)
    assert len(model.encode()) < 8_000
