"""What ties, what does not, and how right the verdicts were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from demo.board import Board
from demo.inboxes import CHANNELS, expected_words
from demo.notices import Notices
from demo.progress import Progress
from demo.summary import print_summary
from demo.tally import Outcome, discrepancies, percentile_ms, rightness
from stream.contracts import ModelRef, Ruling, Source, Verdict

WHEN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def verdict(transaction_id: str, ruling: str, offset: int = 0) -> Verdict:
    return Verdict(
        transaction_id=transaction_id,
        account_id="4000123412341234",
        event_time=WHEN,
        amount=12.5,
        currency="EUR",
        verdict=Ruling(ruling),
        fraud_probability=0.9 if ruling == "fraud" else 0.1,
        threshold=0.5,
        model=ModelRef("simulated", "abc"),
        source=Source("transactions", 0, offset),
        scored_at=WHEN,
    )


VERDICTS = [
    verdict("a", "fraud", 0),
    verdict("b", "legitimate", 1),
    verdict("c", "fraud", 2),
    verdict("d", "legitimate", 3),
]


def all_told(verdicts: Sequence[Verdict]) -> Notices:
    frauds = [one.transaction_id for one in verdicts if one.verdict is Ruling.FRAUD]
    return Notices(told=frozenset(frauds), held=0, digests=0, counted=0, lost=0)


def outcome(verdicts: Sequence[Verdict] = VERDICTS) -> Outcome:
    notices = dict.fromkeys(CHANNELS, all_told(verdicts))
    expected = expected_words(verdicts, {channel: one.told for channel, one in notices.items()})
    return Outcome(
        ids=["a", "b", "c", "d"],
        labels=[1, 0, 0, 1],
        sent=4,
        verdicts=verdicts,
        latencies_ms=[10.0, 20.0, 30.0, 40.0],
        dead_letters=0,
        notices=notices,
        expected=expected,
        received=expected,
        repeated=0,
    )


def with_notices(channel: str, **changed: Any) -> Outcome:
    usual = outcome()
    return replace(usual, notices={**usual.notices, channel: replace(usual.notices[channel], **changed)})


def test_one_verdict_each_and_one_delivery_each_tie() -> None:
    assert discrepancies(outcome()) == []


def test_what_a_digest_counts_ties_too() -> None:
    held = with_notices("sms", told=frozenset("a"), held=1, digests=1, counted=1)
    expected = {**held.expected, "sms": held.expected["sms"][:1]}
    received = {**held.received, "sms": [*expected["sms"], "1 alert more"]}

    assert discrepancies(replace(held, expected=expected, received=received)) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (outcome(VERDICTS[:3]), "1 transactions have no verdict"),
        (outcome([*VERDICTS, verdict("b", "legitimate", 9)]), "1 verdicts are more than one for a transaction"),
        (replace(outcome(), sent=5), "4 transactions were to be sent, 5 are in the topic"),
        (replace(outcome(), dead_letters=1), "1 transactions could not be scored"),
        (with_notices("sns", lost=2), "sns: 2 notices could not be delivered"),
        (with_notices("sms", held=1), "sms: 1 alerts were held back, and its digests count 0"),
        (with_notices("email", told=frozenset("a")), "email: of 2 fraud verdicts the ledger knows 1"),
        (replace(outcome(), repeated=1), "webhook: 1 deliveries came again"),
        (replace(outcome(), received={}), "sms: 2 fraud verdicts were not delivered"),
    ],
)
def test_what_does_not_tie_is_said(found: Outcome, said: str) -> None:
    assert any(sentence.startswith(said) for sentence in discrepancies(found))


def test_a_delivery_that_replaces_another_is_noticed() -> None:
    """As many deliveries as frauds, but one fraud told twice and the other not."""
    told = {channel: list(texts) for channel, texts in outcome().expected.items()}
    told["email"] = [told["email"][0]] * 2
    assert discrepancies(replace(outcome(), received=told)) == [
        "email: 1 fraud verdicts were not delivered",
        "email: 1 deliveries tell of no single fraud verdict, and 0 digests were sent",
    ]


PROGRESS = Progress(
    expected=8000,
    sent=8000,
    verdicts=8000,
    frauds=2,
    dead_letters=0,
    told=dict.fromkeys(CHANNELS, 2),
    settled=dict.fromkeys(CHANNELS, 2),
    waiting=0,
)


HALFWAY = replace(PROGRESS, sent=1200, verdicts=1100, told={"sms": 2, "email": 1})


def test_what_is_still_on_its_way_is_waited_for() -> None:
    assert PROGRESS.is_complete
    assert not replace(PROGRESS, verdicts=7999).is_complete
    assert replace(PROGRESS, verdicts=7999, dead_letters=1).is_complete
    assert not replace(PROGRESS, settled={**PROGRESS.settled, "sns": 1}).is_complete
    assert not replace(PROGRESS, waiting=1).is_complete


def test_one_delivery_too_many_does_not_stand_for_one_too_few() -> None:
    assert not replace(PROGRESS, settled={**PROGRESS.settled, "sns": 1, "sms": 3}).is_complete


def test_precision_and_recall_are_against_the_labels() -> None:
    right = rightness(outcome())
    assert (right.caught, right.missed, right.false_alarms) == (1, 1, 1)
    assert (right.precision, right.recall) == (0.5, 0.5)


def test_without_frauds_there_is_no_recall() -> None:
    quiet = replace(outcome(VERDICTS[1:2]), ids=["b"], labels=[0])
    assert (rightness(quiet).precision, rightness(quiet).recall) == (None, None)


def test_percentiles() -> None:
    assert percentile_ms([10.0, 20.0, 30.0], 50) == 20.0
    assert percentile_ms([], 99) is None


def test_the_summary_says_counts_rightness_latency_and_one_alert_of_each_channel() -> None:
    text = printed(outcome())
    for said in ("transactions", "precision", "0.500", "recall", "latency p50", "25 ms", "The counts tie"):
        assert said in text
    for channel in CHANNELS:
        assert f"told by {channel}" in text
        assert f"─ {channel} ─" in text
    assert "****1234" in text
    assert "4000123412341234" not in text


def test_the_summary_says_what_does_not_tie() -> None:
    text = printed(replace(outcome(), dead_letters=1))
    assert "does not tie: 1 transactions could not be scored" in text
    assert "The counts tie" not in text


def test_where_there_is_no_terminal_progress_is_plain_lines() -> None:
    screen = StringIO()
    board = Board(Console(file=screen, width=120), timer=iter([0.0, 2.0, 2.0, 3.0]).__next__)
    with board.phase("Learning", "Learnt"):
        pass
    with board.stream():
        board.show(HALFWAY)
        assert not board.is_due()
    assert screen.getvalue().splitlines() == [
        "Learning ...",
        "Learnt (2.0 s)",
        "1,200 of 8,000 transactions, 1,100 verdicts, 2 of them fraud; delivered: sms 2, email 1",
    ]


def test_on_a_terminal_progress_is_a_table() -> None:
    screen = StringIO()
    board = Board(Console(file=screen, width=120, force_terminal=True), timer=lambda: 0.0)
    with board.stream():
        board.show(HALFWAY)
    assert "1,200 of 8,000" in screen.getvalue()
    assert "told by sms" in screen.getvalue()


def printed(found: Outcome) -> str:
    screen = StringIO()
    print_summary(found, Console(file=screen, width=120))
    return screen.getvalue()
