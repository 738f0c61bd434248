"""Throughput: every contender between two runs of the ceiling, so that a machine that changes is seen to change."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.figures import absent_line, line_of
from bench.roster import CEILING, CannotRunError, Contender
from bench.throughput import Rate
from bench.trial_run import WrongAnswersError

FIGURE: Final = "transactions scored exactly once"
# A broker that is new has been seen to double its pace in its first minute of full load.
_FASTER: Final = 1.1
LONGEST_WARMING: Final = 5


@dataclass(frozen=True)
class Result:
    """What became of a contender at a size of batches.

    Attributes:
        contender: Who.
        batch: Records of a transaction at most.
        rate: None where there is no figure.
        reason: Why there is none.
        before: Transactions a second of the ceiling that ran before, and
        after: of the one that ran after.
    """

    contender: Contender
    batch: int
    rate: Rate | None
    reason: str | None
    before: float
    after: float

    @property
    def ceiling(self) -> float:
        """The mean of both."""
        return (self.before + self.after) / 2


RunOne = Callable[[Contender, int], Rate]


def contest(
    contenders: Sequence[Contender],
    batch: int,
    run: RunOne,
    tell: Callable[[Result], None],
    *,
    warming: int = LONGEST_WARMING,
) -> None:
    """Lets each run between two ceilings, once the broker is warm.

    Args:
        contenders: In order, with or without the ceiling, whose own result is always the first.
        batch: Records of a transaction at most.
        run: Runs one, and raises CannotRunError or WrongAnswersError.
        tell: Told of each result as soon as it is one.
        warming: Ceilings at most after the first, until they do not get faster.

    Raises:
        CannotRunError: The ceiling itself does not run.
        WrongAnswersError: The ceiling's copies are not right.
    """
    first = _warm(run, batch, warming)
    tell(Result(CEILING, batch, first, None, first.per_second, first.per_second))
    before = first.per_second
    for contender in contenders:
        if contender == CEILING:
            continue
        rate, reason = _tried(run, contender, batch)
        after = run(CEILING, batch).per_second
        tell(Result(contender, batch, rate, reason, before, after))
        before = after


def line_of_result(result: Result, **conditions: Any) -> dict[str, Any]:
    """One as a line of JSON.

    Args:
        result: Of a contender.
        conditions: What was the same for all.
    """
    who = {"contender": result.contender.name, "batch": result.batch, **conditions}
    if result.rate is None:
        return absent_line(FIGURE, "tx/s", reason=result.reason or "", **who)
    return line_of(
        FIGURE,
        result.rate.per_second,
        "tx/s",
        baseline=CEILING.title,
        baseline_value=result.ceiling,
        **who,
        cpu_us=round(result.rate.cpu_us, 1),
        transactions=result.rate.transactions,
        seconds=round(result.rate.seconds, 1),
        drift=round(result.after / result.before, 3),
        load=round(os.getloadavg()[0], 1),
    )


def _warm(run: RunOne, batch: int, most: int) -> Rate:
    """The first ceiling that is no longer clearly faster than those before: the broker's compiler takes its time."""
    best = run(CEILING, batch)
    for _ in range(most):
        again = run(CEILING, batch)
        if again.per_second <= _FASTER * best.per_second:
            return again
        best = again
    return best


def _tried(run: RunOne, contender: Contender, batch: int) -> tuple[Rate | None, str | None]:
    try:
        return run(contender, batch), None
    except (CannotRunError, WrongAnswersError) as failed:
        return None, str(failed)
