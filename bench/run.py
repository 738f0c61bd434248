"""A run of all contenders: what is measured of whom, on which broker."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contest import LONGEST_WARMING, contest, line_of_result
from bench.delays import Delays
from bench.latency import measure_latency
from bench.materials import TREES, Materials
from bench.roster import Command, Contender, made_ready
from bench.sweep import sweep
from bench.throughput import Rate, measure_rate, preload
from bench.trial_run import Cluster


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        contenders: In order; the ceiling takes part in any case.
        batches: Sizes of batches for throughput; latency takes the first.
        transactions: That wait when a run for throughput begins.
        rates: Transactions a second for latency, ascending; none leaves it out.
        seconds: Of each run.
        warming: Ceilings at most after the first, until they do not get faster.
    """

    contenders: Sequence[Contender]
    batches: Sequence[int]
    transactions: int
    rates: Sequence[int]
    seconds: float
    warming: int = LONGEST_WARMING


class Run:
    """Does what a plan says.

    Args:
        plan: Says it.
        cluster: The broker.
        materials: What all contenders get.
        tell: Told of each figure's line as soon as it is one.
        say: Told who is about to run.
    """

    def __init__(
        self,
        plan: Plan,
        cluster: Cluster,
        materials: Materials,
        *,
        tell: Callable[[Mapping[str, Any]], None],
        say: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._cluster = cluster
        self._materials = materials
        self._tell = tell
        self._say = say
        self._ready: dict[str, Command] = {}
        self._conditions = {"bytes": materials.mean_bytes, "inputs": len(materials.inputs), "trees": TREES}

    def throughput(self) -> None:
        """Of each contender, for each size of batches.

        Raises:
            CannotRunError: The ceiling does not run.
            WrongAnswersError: The ceiling's copies are not right.
        """
        plan, materials = self._plan, self._materials
        backlog = preload(self._cluster, materials.transactions, plan.transactions)

        def run(contender: Contender, batch: int) -> Rate:
            self._say(f"{contender.title}: throughput in batches of {batch}")
            return measure_rate(
                self._command(contender),
                backlog,
                materials.folder,
                materials.probabilities if contender.scores else None,
                name=contender.name,
                batch=batch,
                seconds=plan.seconds,
                log=self._log(contender),
            )

        for batch in plan.batches:
            contest(
                plan.contenders,
                batch,
                run,
                lambda result: self._tell(line_of_result(result, **self._conditions)),
                warming=plan.warming,
            )

    def latency(self) -> None:
        """Of each contender, at each rate that it keeps up with."""
        plan, materials = self._plan, self._materials
        if not plan.rates:
            return
        values = materials.folder / "values"
        values.write_bytes(b"\n".join(one.value or b"" for one in materials.transactions))

        def begin(contender: Contender) -> Generator[Delays | str]:
            self._say(f"{contender.title}: latency")
            yield from measure_latency(
                self._command(contender),
                self._cluster,
                materials.folder,
                values,
                name=contender.name,
                batch=plan.batches[0],
                rates=plan.rates,
                seconds=plan.seconds,
                log=self._log(contender),
            )

        sweep(plan.contenders, plan.rates, begin, self._tell, batch=plan.batches[0], **self._conditions)

    def _command(self, contender: Contender) -> Command:
        if contender.name not in self._ready:
            self._ready[contender.name] = made_ready(contender, self._materials.folder)
        return self._ready[contender.name]

    def _log(self, contender: Contender) -> Path:
        return self._materials.folder / f"{contender.name}.log"
