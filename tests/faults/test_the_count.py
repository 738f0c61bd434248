"""The independent count finds what can be wrong with answers: it is what all other tests here rest on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.harness.answered import Answer, discrepancies
from tests.harness.topics import Sent

TOPIC = "in"
REASON = ("kind", b"not_json")


def sent() -> list[Sent]:
    """Ten records, the fourth of them poison, in two partitions."""
    return [
        Sent(n % 2, n // 2, b"a", b"{" if n == 3 else json.dumps({"transaction_id": f"t-{n}"}).encode(), ())
        if n != 3
        else Sent(1, 1, b"a", b"{", (REASON,))
        for n in range(10)
    ]


def right(one: Sent) -> Answer:
    place = (TOPIC, one.partition, one.offset)
    if one.headers:
        added = {
            "dead-letter-source-topic": TOPIC.encode(),
            "dead-letter-source-partition": str(one.partition).encode(),
            "dead-letter-source-offset": str(one.offset).encode(),
            "dead-letter-reason": b"not_json",
            "dead-letter-message": b"line 1",
        }
        return Answer(True, one.partition, place, one.key, one.value, (*one.headers, *added.items()))
    return Answer(False, one.partition, place, one.key, one.value, ())


def found(answers: list[Answer], committed: dict[int, int] | None = None) -> str:
    lines = discrepancies(TOPIC, sent(), answers, {0: 5, 1: 5} if committed is None else committed)
    return "\n".join(lines)


def test_nothing_is_wrong_with_one_right_answer_each() -> None:
    assert found([right(one) for one in sent()]) == ""


def test_what_is_not_committed_is_not_due() -> None:
    assert found([right(one) for one in sent() if one.partition == 1], {0: 0, 1: 5}) == ""


def test_what_was_skipped_is_not_due() -> None:
    answers = [right(one) for one in sent()[1:]]
    assert discrepancies(TOPIC, sent(), answers, {0: 5, 1: 5}, skipped={(0, 0)}) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda answers: answers[1:], "1 lost of 10 committed records, 9 answers: [('in', 0, 0)]"),
        (lambda answers: [*answers, answers[-1]], "1 doubled"),
        (lambda answers: [*answers, replace(answers[0], place=(TOPIC, 0, 5))], "1 answered without being committed"),
        (lambda answers: [*answers, replace(answers[0], place=("other", 0, 0))], "1 answered without being committed"),
        (lambda answers: [replace(answers[0], letter=True), *answers[1:]], "1 verdict and dead letter confused"),
        (lambda answers: [replace(answers[0], value=answers[1].value), *answers[1:]], "1 answered with what is"),
        (lambda answers: [replace(answers[0], key=b"b"), *answers[1:]], "1 answered with what is"),
        (lambda answers: [*answers[:3], replace(answers[3], value=b"["), *answers[4:]], "1 answered with what is"),
        (
            lambda answers: [*answers[:3], replace(answers[3], headers=answers[3].headers[1:]), *answers[4:]],
            "1 answered",
        ),
        (lambda answers: [replace(answers[0], partition=1), *answers[1:]], "1 in another partition"),
        (lambda answers: [answers[2], answers[1], answers[0], *answers[3:]], "1 out of order"),
    ],
)
def test_what_is_wrong_is_said(wrong: Callable[[list[Answer]], list[Answer]], said: str) -> None:
    assert said in found(wrong([right(one) for one in sent()]))
