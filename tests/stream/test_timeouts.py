"""Timeouts that fit together whatever is set, and what is said of those that do not."""

from __future__ import annotations

from itertools import product

import pytest

from stream.timeouts import disorder, timeouts


def test_by_default_they_are_in_order() -> None:
    assert disorder(timeouts({})) == []


@pytest.mark.parametrize(("session", "poll"), list(product((None, 6_000, 15_000, 45_000), (None, 60_000, 300_000))))
def test_what_is_not_set_makes_room_for_what_is(session: int | None, poll: int | None) -> None:
    given = {"session.timeout.ms": session, "max.poll.interval.ms": poll}

    found = timeouts({name: value for name, value in given.items() if value is not None})

    assert disorder(found) == []
    assert session is None or found.session_ms == session
    assert poll is None or found.poll_ms == poll


@pytest.mark.parametrize("poll", [6_000, 20_000, 60_000, 300_000])
def test_a_commit_and_an_abort_end_before_the_group_gives_the_worker_up(poll: int) -> None:
    found = timeouts({"max.poll.interval.ms": str(poll)})

    assert found.commit_s + found.abort_s < poll / 1000
    assert found.commit_s + found.abort_s < found.stuck_s < poll / 1000


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"transaction.timeout.ms": 70_000, "session.timeout.ms": 90_000}, "max.poll.interval.ms 60000"),
        ({"transaction.timeout.ms": 15_000}, "session.timeout.ms 15000"),
        ({"message.timeout.ms": 11_000}, "transaction.timeout.ms 10000"),
        ({"session.timeout.ms": 61_000}, "max.poll.interval.ms 60000"),
    ],
)
def test_each_disorder_is_named_with_both_values(properties: dict[str, object], named: str) -> None:
    assert any(named in problem for problem in disorder(timeouts(properties)))


def test_all_of_several_disorders_are_told() -> None:
    found = disorder(
        timeouts({"message.timeout.ms": 100_000, "transaction.timeout.ms": 90_000, "session.timeout.ms": 70_000})
    )

    assert len(found) == 4


def test_what_is_no_number_is_left_to_the_client_to_refuse() -> None:
    assert timeouts({"session.timeout.ms": "soon"}) == timeouts({})
