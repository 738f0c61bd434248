"""The ledger in memory: only what is open, and each change once."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from alerting.ledger.book import Book, Change
from alerting.ledger.entries import Group, State
from tests.alerting.test_attempts import NOW, delivery


def group(**changed: object) -> Group:
    return Group(**{"id": "g", "receiver": "desk", "fields": {}, "told_at": NOW, **changed})  # type: ignore[arg-type]


def test_what_is_over_is_written_and_forgotten() -> None:
    book = Book()
    book.open(3, [])
    book.put(3, delivery())
    assert book.open_deliveries == 1
    sent = replace(delivery(), state=State.SENT)
    book.put(3, sent)

    assert book.changes() == [Change(3, "delivery/d", sent)]
    assert book.changes() == []
    assert book.delivery(3, "d") is None
    assert book.open_deliveries == 0


def test_the_last_of_an_id_counts_when_a_partition_comes() -> None:
    book = Book()
    book.open(0, [delivery(), replace(delivery(), state=State.SENT), group(), group(digests=2)])

    assert book.delivery(0, "d") is None
    assert (found := book.group(0, "g")) is not None
    assert found.digests == 2
    assert book.changes() == []


def test_a_partition_that_went_is_forgotten_with_what_was_not_written() -> None:
    book = Book()
    book.open(0, [])
    book.open(1, [])
    book.put(0, delivery())
    book.put(1, delivery(id="other"))
    book.close(0)

    assert [change.partition for change in book.changes()] == [1]
    assert book.open_deliveries == 1
    assert list(book.due(NOW)) == [(1, "other")]


def test_what_comes_due_is_named_once_and_in_time() -> None:
    book = Book()
    book.open(0, [delivery(due_at=NOW + timedelta(seconds=5))])

    assert list(book.due(NOW)) == []
    assert book.next_due() == NOW + timedelta(seconds=5)
    assert list(book.due(NOW + timedelta(seconds=5))) == [(0, "d")]
    assert list(book.due(NOW + timedelta(seconds=9))) == []


def test_a_group_is_known_in_every_partition_that_has_alerts_of_it() -> None:
    book = Book()
    for partition in (2, 0, 1):
        book.open(partition, [] if partition == 1 else [group(digests=partition)])

    assert [(at, one.digests) for at, one in book.everywhere("g")] == [(0, 0), (2, 2)]
    book.forget(2, "g")
    assert [at for at, _ in book.everywhere("g")] == [0]
    assert book.changes() == [Change(2, "group/g", None)]
