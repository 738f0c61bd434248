"""Latency at growing rates: ours beside the ceiling, rate by rate in turn, then the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Final

from bench.delays import Delays
from bench.figures import absent_line, line_of
from bench.roster import CEILING, OURS, CannotRunError, Contender

FIGURE: Final = "from a producer's send to a reader's receipt"

Begin = Callable[[Contender], Generator[Delays | str]]


def sweep(
    contenders: Sequence[Contender],
    rates: Sequence[int],
    begin: Begin,
    tell: Callable[[dict[str, Any]], None],
    **conditions: Any,
) -> None:
    """Measures each at each rate that it keeps up with.

    The ceiling and ours run at the same time, and one after the other has work: what the machine does meanwhile meets
    both.

    Args:
        contenders: In order.
        rates: Transactions a second, ascending.
        begin: Starts one; it gives delays, or why there are none, for each rate.
        tell: Told of each line as soon as it is one.
        conditions: What was the same for all.
    """
    pair = [CEILING, *(one for one in contenders if one == OURS)]
    ceiling: dict[int, Delays] = {}
    for group in (pair, *([one] for one in contenders if one not in (CEILING, OURS))):
        running = {one: _until_absent(begin(one)) for one in group}
        for rate in rates:
            for contender, found in list(running.items()):
                result = next(found, None)
                if result is None:
                    continue
                if contender == CEILING and isinstance(result, Delays):
                    ceiling[rate] = result
                tell(line_of_latency(contender, rate, result, ceiling, **conditions))
        for found in running.values():
            found.close()


def line_of_latency(
    contender: Contender, rate: int, result: Delays | str, ceiling: Mapping[int, Delays], **conditions: Any
) -> dict[str, Any]:
    """One as a line of JSON (pure); its value is the median, its baseline the ceiling's at the same rate."""
    who = {"contender": contender.name, "rate": rate, **conditions}
    if isinstance(result, str):
        return absent_line(FIGURE, "ms", reason=result, **who)
    base = ceiling.get(rate)
    return line_of(
        FIGURE,
        result.p50,
        "ms",
        baseline=CEILING.title,
        baseline_value=None if base is None else base.p50,
        **who,
        p99=round(result.p99, 3),
        p999=round(result.p999, 3),
        longest=round(result.longest, 3),
        ratio_p99=None if base is None else round(result.p99 / base.p99, 3),
        transactions=result.count,
        histogram=result.histogram,
    )


def _until_absent(found: Generator[Delays | str]) -> Generator[Delays | str]:
    try:
        yield from found
    except CannotRunError as failed:
        yield str(failed)
