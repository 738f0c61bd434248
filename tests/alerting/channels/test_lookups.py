"""A resolver that takes as long as it likes, and those who do not wait for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence

import pytest

from alerting.channels.deadline import Deadline
from alerting.channels.lookups import Lookups
from tests.harness.waiting import wait_until


class Resolver:
    """Answers once it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002
        self.asked.append(host)
        assert self.may.wait(20)
        return ["127.0.0.1"]


def test_nobody_waits_longer_than_there_is_time_and_a_name_is_asked_for_once() -> None:
    resolver = Resolver()
    lookups = Lookups(resolver)

    for _ in range(3):
        with pytest.raises(TimeoutError):
            lookups.addresses("bank.example", 443, Deadline(0.05))
    with pytest.raises(TimeoutError):
        lookups.addresses("other.example", 443, Deadline(0.05))
    resolver.may.set()

    assert lookups.addresses("bank.example", 443, Deadline(20)) == ["127.0.0.1"]
    assert sorted(set(resolver.asked)) == ["bank.example", "other.example"]
    assert resolver.asked.count("bank.example") <= 2


def test_an_answer_is_not_kept() -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    lookups = Lookups(lambda *_: next(answers))

    assert [lookups.addresses("bank.example", 443, Deadline(20)) for _ in range(2)] == [["127.0.0.1"], ["127.0.0.2"]]


def test_a_name_that_nobody_knows_is_said_to_everybody_who_asked() -> None:
    may = threading.Event()
    failures: list[BaseException] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        assert may.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    lookups = Lookups(resolve)

    def ask() -> None:
        try:
            lookups.addresses("bank.example", 443, Deadline(20))
        except OSError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    may.set()
    wait_until(lambda: len(failures) == 3, within_s=20, what="somebody was told nothing")

    assert {type(failure) for failure in failures} == {socket.gaierror}
