"""The ledger in memory: only what is open, and each change once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from alerting.ledger import book as book_module
from alerting.ledger.book import Book, Change
from alerting.ledger.entries import Group, State
from tests.alerting.test_attempts import NOW, delivery


def group(**changed: object) -> Group:
    usual = {"id": "g", "receiver": "desk", "channel": "sms", "recipient": "abcd", "fields": {}, "told_at": NOW}
    return Group(**{**usual, **changed})  # type: ignore[arg-type]


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


def test_whoever_asks_to_be_woken_many_times_is_woken_once_at_the_earliest() -> None:
    book = Book()
    book.open(0, [group()])
    for seconds in (9, 5, 7, 5):
        book.wake(0, "g", NOW + timedelta(seconds=seconds))

    assert list(book.due(NOW + timedelta(seconds=5))) == [(0, "g")]
    assert list(book.due(NOW + timedelta(seconds=60))) == []


def test_a_notice_that_is_over_is_known_and_many_that_are_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_module, "MOST_KNOWN", 2)
    book = Book()
    book.open(0, [], over=["long ago", "before"])
    book.put(0, delivery())
    assert book.knows(0, "before")
    assert book.knows(0, "d")
    book.put(0, replace(delivery(), state=State.SENT))

    assert [book.knows(0, name) for name in ("long ago", "before", "d")] == [False, True, True]
    assert not book.knows(1, "d")
