"""Verdicts, their reasons, and dead letters of a batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from model.scoring.calendar import CALENDAR
from model.scoring.scorer import Scorer
from stream.contracts import DeadLetterReason, Ruling, Verdict
from stream.errors import ScorerBroken
from stream.judging import Judge, Judged
from stream.records import Record
from stream.settings import TopicSettings
from tests.harness.served import SIGMOID, served, table

INPUTS = ("amount", "V1", "V2", "V3", "V4", "V5", "V6")
MOMENT = datetime(2026, 1, 31, 23, 59, 59, 999_000, tzinfo=UTC)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    serving = served(len(INPUTS), inputs=INPUTS, calendar=CALENDAR, calibration=SIGMOID)
    return Scorer(serving, threshold=0.02, name="small", version="0123456789ab")


def _judged(scorer: Scorer, values: Sequence[Mapping[str, Any] | bytes]) -> Judged:
    judge = Judge(scorer, TopicSettings(), max_record_bytes=1_000, now=lambda: MOMENT, timer=lambda: 0.0)
    encoded = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    return judge.judge([Record("transactions", 0, at, b"k", value, (), 0) for at, value in enumerate(encoded)])


def _verdicts(judged: Judged) -> list[Verdict]:
    """What was written, dead letters left out."""
    return [
        msgspec.json.decode(one.value or b"", type=Verdict)
        for one in judged.outgoing
        if one.topic == TopicSettings().verdicts
    ]


def _transactions(rows: int = 300) -> list[dict[str, Any]]:
    inputs, times, _ = table(len(INPUTS), rows=rows, seed=11)
    return [
        {
            "transaction_id": f"t-{at}",
            "event_time": int(moment),
            **{name: None if np.isnan(value) else value for name, value in zip(INPUTS, row.tolist(), strict=True)},
        }
        for at, (row, moment) in enumerate(zip(inputs, times, strict=True))
    ]


def test_a_fraud_comes_with_its_reasons_and_a_legitimate_transaction_without(scorer: Scorer) -> None:
    judged = _judged(scorer, _transactions())

    verdicts = _verdicts(judged)
    frauds = [verdict for verdict in verdicts if verdict.verdict is Ruling.FRAUD]
    assert 10 < len(frauds) < 290
    assert not any(verdict.reasons for verdict in verdicts if verdict.verdict is Ruling.LEGITIMATE)
    for verdict in frauds:
        added = [reason.contribution for reason in verdict.reasons]
        assert 1 <= len(added) <= 5
        assert added == sorted(added, reverse=True)
        assert added[-1] > 0
        assert {reason.feature for reason in verdict.reasons} <= {*INPUTS, *CALENDAR}
    assert max(len(verdict.reasons) for verdict in frauds) == 5


def test_reasons_belong_to_the_transaction_they_stand_with(scorer: Scorer) -> None:
    transactions = _transactions()
    together = _judged(scorer, [b"not JSON", *transactions, b"{}"])

    assert len(together.rejections) == 2
    for record, ruling, verdict, sent in zip(
        together.ruled, together.rulings, _verdicts(together), transactions, strict=True
    ):
        assert verdict.transaction_id == sent["transaction_id"] == f"t-{record.offset - 1}"
        assert (verdict.verdict, verdict.source.offset) == (ruling, record.offset)
        for reason in verdict.reasons:
            if reason.feature in INPUTS:
                assert reason.value == sent[reason.feature]


def test_a_batch_does_not_change_what_is_said_of_a_transaction(scorer: Scorer) -> None:
    transactions = _transactions(40)
    together = _verdicts(_judged(scorer, transactions))

    for sent, expected in zip(transactions, together, strict=True):
        alone = _verdicts(_judged(scorer, [sent]))[0]
        assert (alone.fraud_probability, alone.reasons) == (expected.fraud_probability, expected.reasons)


def test_the_scorer_is_told_when_a_transaction_happened_however_it_is_written(scorer: Scorer) -> None:
    sent = next(one for one in _transactions() if _judged(scorer, [one]).frauds)
    night = MOMENT.replace(hour=3)
    written = [
        night.isoformat(),
        (night + timedelta(hours=5, minutes=30)).isoformat().replace("+00:00", "+05:30"),
        int(night.timestamp() * 1000),
    ]

    verdicts = _verdicts(_judged(scorer, [{**sent, "event_time": one} for one in written]))

    assert len({(verdict.fraud_probability, verdict.reasons) for verdict in verdicts}) == 1
    rows = np.array([[np.nan if sent[name] is None else sent[name] for name in INPUTS]])
    times = np.array([int(night.timestamp() * 1000)])
    assert verdicts[0].fraud_probability == scorer.score(rows, times)[0]
    assert [tuple(one) for one in scorer.reasons(rows, times, most=5)[0]] == [
        (one.feature, one.value, one.contribution) for one in verdicts[0].reasons
    ]


def test_a_batch_without_a_transaction_has_no_verdicts(scorer: Scorer) -> None:
    judged = _judged(scorer, [b"no", b"{}"])

    assert (judged.ruled, judged.rulings) == ([], [])
    assert len(judged.outgoing) == len(judged.rejections) == 2
    assert set(judged.missing.values()) == {0}


class _Breaks:
    """A scorer that raises for some rows."""

    def __init__(self, scorer: Scorer, breaks: Callable[[NDArray[np.float64]], NDArray[np.bool_]]) -> None:
        self._scorer = scorer
        self._breaks = breaks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scorer, name)

    def score(self, rows: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
        if self._breaks(rows).any():
            message = f"cannot bear {rows}"
            raise ArithmeticError(message)
        return self._scorer.score(rows, times)


def test_a_record_that_the_model_cannot_bear_is_a_dead_letter_and_the_others_get_their_verdicts(
    scorer: Scorer,
) -> None:
    transactions = _transactions()
    for at in (0, 17, 299):
        transactions[at]["amount"] = 666_666.5

    sound = _judged(scorer, transactions)
    judged = _judged(cast("Scorer", _Breaks(scorer, lambda rows: rows[:, 0] == 666_666.5)), transactions)

    assert [(one.reason, one.message) for one in judged.rejections] == [
        (DeadLetterReason.SCORING_FAILED, "the model raised ArithmeticError")
    ] * 3
    assert [at for at, one in enumerate(judged.outgoing) if one.topic == "transactions.dlq"] == [0, 17, 299]
    assert _verdicts(judged) == [verdict for at, verdict in enumerate(_verdicts(sound)) if at not in {0, 17, 299}]
    assert [record.offset for record in judged.ruled] == [at for at in range(300) if at not in {0, 17, 299}]
    assert len(judged.event_ages) == len(judged.ruled)


def test_a_model_that_bears_nothing_ends_the_worker_and_dooms_no_record(scorer: Scorer) -> None:
    broken = cast("Scorer", _Breaks(scorer, lambda rows: np.ones(len(rows), bool)))

    with pytest.raises(ScorerBroken, match=r"'small' version 0123456789ab raises ArithmeticError whatever it is given"):
        _judged(broken, _transactions(4))
