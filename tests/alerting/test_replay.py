"""Which dead letters are sent once more, and as what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from alerting.attempts import expired
from alerting.channels import WhenUnsure
from alerting.dead_letters import lost_letter, unreadable_letter
from alerting.delivery import FailureReason, Refused
from alerting.ledger.entries import Delivery, Held, State
from alerting.limits import DEFAULTS, Limiter
from alerting.notices import notice, unreachable
from alerting.policies import Lost, Surroundings
from alerting.replay import Due, Sorting, letters_in, replays_name
from alerting.routing.tree import Untold, UntoldReason
from stream.contracts import SCHEMA_VERSION_HEADER, VERDICT_HEADER, Source, Verdict
from stream.records import Outgoing, Record
from tests.alerting.verdicts import MASKED, verdict
from tests.alerting.world import NOW, Desk, Gate, Quiet, World

NAME = replays_name("fraud-alerts")


def fraud(number: int = 0, **changed: Any) -> Verdict:
    return verdict(transaction_id=f"t-{number}", source=Source("transactions", 0, number), **changed)


def given_up(number: int = 0, channel: str = "sms", **changed: Any) -> Lost:
    """A notice, dead, and what it was to tell."""
    (destination,) = Desk(channel).operators()
    alert = Desk(channel).alert(fraud(number))
    made = notice(alert.id, alert.verdict, destination, group="g", now=NOW, expires_at=NOW)
    return Lost(0, replace(expired(made, NOW), **changed), alert.verdict, None)


def kept(letter: Outgoing, age: timedelta = timedelta(hours=1)) -> Record:
    at = int((NOW - age).timestamp() * 1000)
    return Record("alerts.dlq", 0, 0, letter.key, letter.value, letter.headers, at)


def due(
    *letters: Record,
    known: list[Delivery],
    desk: Desk | None = None,
    quiet: Quiet | None = None,
    when_unsure: WhenUnsure = WhenUnsure.LOOK_UP,
) -> Due:
    world = World(desk or Desk("sms", "webhook"), when_unsure=when_unsure)
    around = Surroundings(
        routes=desk or Desk("sms", "webhook"),
        policies=world.policies,
        limits=Limiter(DEFAULTS),
        quiet=quiet or Quiet(),
        gate=Gate(),
        most_waiting=1,
        random=lambda: 0.0,
    )
    sorting = Sorting({one.id: one for one in known}, around, NAME, NOW, timedelta(days=13))
    return sorting.due(letters_in(letters))


def test_what_the_ledger_has_as_dead_is_sent_under_its_id() -> None:
    lost = given_up()
    ((partition, again),) = due(kept(lost_letter(lost, topic="d")), known=[lost.delivery]).revivals

    assert (partition, again.id, again.state, again.by) == (0, lost.delivery.id, State.PENDING, NAME)
    assert (again.due_at, again.expires_at, again.verdict) == (NOW, NOW + timedelta(minutes=15), lost.verdict)


@pytest.mark.parametrize("state", [State.SENT, State.PENDING, State.SENDING])
def test_what_was_sent_since_or_a_worker_is_at_is_left(state: State) -> None:
    lost = given_up()
    found = due(kept(lost_letter(lost, topic="d")), known=[replace(lost.delivery, state=state, by="fraud-alerts-0")])

    assert (found.revivals, found.settled) == ([], 1)


def test_what_the_ledger_does_not_know_any_more_may_have_been_sent() -> None:
    found = due(kept(lost_letter(given_up(), topic="d")), known=[])

    assert (found.revivals, found.forgotten) == ([], 1)


def test_what_an_earlier_replay_began_and_did_not_end_is_gone_on_with() -> None:
    lost = given_up()
    begun = replace(lost.delivery, state=State.SENDING, attempts=1, by=NAME)
    ((_, again),) = due(kept(lost_letter(lost, topic="d")), known=[begun]).revivals

    assert again.state is State.AMBIGUOUS, "it may have been sent: its provider is asked"


@pytest.mark.parametrize(
    ("when_unsure", "state"), [(WhenUnsure.LOOK_UP, State.AMBIGUOUS), (WhenUnsure.SEND_AGAIN, State.PENDING)]
)
def test_what_was_given_up_in_doubt_is_asked_about_first(when_unsure: WhenUnsure, state: State) -> None:
    lost = given_up(unsure=True)
    ((_, again),) = due(kept(lost_letter(lost, topic="d")), known=[lost.delivery], when_unsure=when_unsure).revivals

    assert again.state is state


def test_limits_silences_and_who_wants_nothing_more_are_heeded() -> None:
    losses = [given_up(number) for number in range(3)]
    letters = [kept(lost_letter(lost, topic="d")) for lost in losses]
    known = [lost.delivery for lost in losses]
    stopped, blocked = Quiet(), Quiet()
    stopped.stop("sms", known[0].recipient)
    blocked.hush = Held.BLOCKED

    limited = due(*letters, known=known)
    assert (len(limited.revivals), limited.held) == (1, 2), "one text message a minute"
    assert due(*letters, known=known, quiet=stopped).held == 3
    assert due(*letters, known=known, quiet=blocked).held == 3


def test_whom_the_rules_name_no_more_is_not_told() -> None:
    lost = given_up()
    found = due(kept(lost_letter(lost, topic="d")), known=[lost.delivery], desk=Desk("webhook"))

    assert (found.revivals, found.gone) == ([], 1)


def test_a_record_that_an_older_version_could_not_read_is_routed_once_it_can_be() -> None:
    ruled = fraud()
    headers = ((VERDICT_HEADER, b"fraud"), (SCHEMA_VERSION_HEADER, b"1"))
    record = Record("verdicts", 2, 7, b"k", msgspec.json.encode(ruled), headers, 0)
    letter = unreadable_letter(record, "a verdict of schema version '1'; this worker reads version 0", topic="d")

    found = due(kept(letter), known=[])
    assert sorted((partition, one.channel) for partition, one in found.revivals) == [(2, "sms"), (2, "webhook")]
    sent = [replace(one, state=State.SENT) for _, one in found.revivals]
    assert due(kept(letter), known=sent).settled == 2
    assert due(kept(letter, age=timedelta(days=14)), known=[]).forgotten == 2
    assert letters_in([kept(unreadable_letter(replace(record, value=b"no"), "", topic="d"))]).unreadable == 1


def test_a_holder_whose_address_is_known_by_now_is_told() -> None:
    desk = Desk("sms")
    dead = unreachable(desk.alert(fraud()), Untold("desk", "sms", "route", UntoldReason.NO_ADDRESS), NOW)
    ((_, again),) = due(kept(lost_letter(Lost(0, dead, fraud(), None), topic="d")), known=[dead], desk=desk).revivals

    assert (again.channel, again.recipient) == ("sms", desk.operators()[0].recipient.fingerprint("sms"))


def test_what_holds_nothing_that_could_be_told_is_counted() -> None:
    nobody = replace(given_up().delivery, reason=Refused(FailureReason.EXPIRED, "").reason.value)
    records = [
        kept(lost_letter(Lost(0, nobody, None, None), topic="d")),
        Record("alerts.dlq", 0, 0, None, b"{}", (), 0),
    ]

    assert letters_in(records).unreadable == 2


def test_what_was_routed_anew_and_begun_by_a_replay_that_did_not_end_is_asked_about_first() -> None:
    headers = ((VERDICT_HEADER, b"fraud"), (SCHEMA_VERSION_HEADER, b"1"))
    record = Record("verdicts", 2, 7, b"k", msgspec.json.encode(fraud()), headers, 0)
    letter = kept(unreadable_letter(record, "", topic="d"))
    desk = Desk("sms")
    ((_, first),) = due(letter, known=[], desk=desk).revivals
    ((_, again),) = due(letter, known=[replace(first, state=State.SENDING, attempts=1)], desk=desk).revivals

    assert (first.state, first.fields) == (State.PENDING, {"account_id": MASKED})
    assert (again.id, again.state) == (first.id, State.AMBIGUOUS)
