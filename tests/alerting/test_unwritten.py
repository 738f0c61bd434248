"""What was decided and is not written yet, where partitions go meanwhile."""

from __future__ import annotations

from msgspec.structs import replace

from alerting.ledger.book import Change
from alerting.ledger.entries import Delivery, State
from alerting.notices import OPERATOR
from alerting.unwritten import Destined, Unwritten
from stream.records import Outgoing
from tests.alerting.test_attempts import NOW, delivery


def change(one: Delivery) -> Change:
    return Change(0, f"delivery/{one.id}", one)


def test_what_was_sent_and_what_operators_are_to_hear_is_kept_and_the_rest_is_decided_anew() -> None:
    unwritten = Unwritten(Destined("ledger", "letters", "silences"))
    sent, decided = delivery(id="sent", state=State.SENT), delivery(id="decided")
    page = delivery(id="page", template=OPERATOR, state=State.SENDING, attempts=1, due_at=None)
    unwritten.add([change(sent), change(decided), change(page)], [], [])
    unwritten.add_letter(Outgoing("letters", b"k", b"v", ()))

    unwritten.keep_facts()

    not_begun = replace(page, state=State.PENDING, attempts=0, due_at=NOW)
    assert [one.entry for one in unwritten.changes] == [sent, not_begun]
    assert [one.topic for one in unwritten.records()] == ["ledger", "ledger"]


def test_a_later_state_takes_the_place_of_an_earlier_one() -> None:
    unwritten = Unwritten(Destined("ledger", "letters", "silences"))
    unwritten.add([change(delivery())], [], [])
    unwritten.add([change(delivery(state=State.SENT))], [], [])

    assert [one.entry for one in unwritten.changes] == [delivery(state=State.SENT)]
    assert unwritten
    unwritten.written()
    assert not unwritten
