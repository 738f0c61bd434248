"""`python -m tests.harness.faulty POINT NTH ACTION -- score ...`: the real command, to which something happens.

The command runs unchanged. Its clients come out of the product's own factories, each behind a thin proxy that counts
the passings of one point of the loop, and acts at the NTH.
"""

from __future__ import annotations

import datetime as clock
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaException

import model.versions.loading
import stream.kafka
import stream.process
from cli import main
from tests.harness.fault_points import INDIGESTIBLE_AMOUNT, POINTS, Action, Client, Point, When

_SIGNALS: Final = {Action.KILL: signal.SIGKILL, Action.STOP: signal.SIGSTOP, Action.TERM: signal.SIGTERM}
# So short that a call returns while what it asked for is under way.
_AT_ONCE_S: Final = 0.001
_HOUR_S: Final = 3600.0


class Fault:
    """What happens at one point, shared by all clients of the process.

    Args:
        point: Where.
        nth: At which passing, counted from one.
        action: What.
    """

    def __init__(self, point: Point, nth: int, action: Action) -> None:
        self.point = point
        self._nth = nth
        self._action = action
        self._passings = 0
        self._armed = False
        self._step_s = 0.0

    def around(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """A client's method, with the fault where it belongs."""
        if method == self.point.first_since:
            return self._arming(call)
        return self._watched(call) if method == self.point.method else call

    def step_clock(self) -> None:
        """Has what the product reads the time of day from follow this fault's steps."""
        true_time, true_now = time.time, clock.datetime.now

        class Stepped:
            @staticmethod
            def now(zone: clock.tzinfo | None = None) -> clock.datetime:
                return true_now(zone) + clock.timedelta(seconds=self._step_s)

        time.time = lambda: true_time() + self._step_s
        assert vars(stream.process)["datetime"] is clock.datetime
        vars(stream.process)["datetime"] = Stepped

    def _arming(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def arm(*arguments: Any, **named: Any) -> Any:
            result = call(*arguments, **named)
            self._armed = True
            return result

        return arm

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def watch(*arguments: Any, **named: Any) -> Any:
            if self.point.when is When.AFTER:
                result = call(*arguments, **named)
                if (result or not self.point.with_result) and self._passes(arguments):
                    self._act()
                return result
            if self._passes(arguments):
                over = self.point.when is When.DURING and _done_at_once(call)
                self._act()
                if over:
                    return None
            return call(*arguments, **named)

        return watch

    def _passes(self, arguments: Sequence[Any]) -> bool:
        """Counts one passing; whether it is the one."""
        if self.point.first_since is not None and not self._armed:
            return False
        self._armed = False
        self._passings += 1
        return self._is_due(arguments)

    def _is_due(self, arguments: Sequence[Any]) -> bool:
        if self._action is Action.CHOKE:
            return bool((arguments[0] == INDIGESTIBLE_AMOUNT).any())
        if self._action is Action.BREAK:
            return self._passings >= self._nth
        if self._action is Action.STEP:
            return self._passings % self._nth == 0
        return self._passings == self._nth

    def _act(self) -> None:
        if self._action in _SIGNALS:
            os.kill(os.getpid(), _SIGNALS[self._action])
        elif self._action is Action.HANG:
            time.sleep(_HOUR_S)
        elif self._action is Action.STEP:
            self._step_s = _HOUR_S - self._step_s
        else:
            raise ZeroDivisionError("a fault of the test's own")


class Watched:
    """A client behind which nothing changes but for the fault.

    Args:
        client: The real one.
        fault: What happens to it.
    """

    def __init__(self, client: object, fault: Fault) -> None:
        self._client = client
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._fault.around(name, found) if callable(found) else found


def install(fault: Fault) -> None:
    """Puts the fault between the product and the client that its point is at."""
    if fault.point.client is Client.CONSUMER:
        stream.kafka.consumer = _watching(stream.kafka.consumer, fault)
    elif fault.point.client is Client.PRODUCER:
        stream.kafka.transactional_producer = _watching(stream.kafka.transactional_producer, fault)
    else:
        model.versions.loading.load_scorer = _watching(model.versions.loading.load_scorer, fault)


def _watching(factory: Callable[..., Any], fault: Fault) -> Callable[..., Any]:
    def make(*arguments: Any, **named: Any) -> Any:
        return Watched(factory(*arguments, **named), fault)

    return make


def _done_at_once(call: Callable[[float], Any]) -> bool:
    """Whether a call that may be repeated was over within no time."""
    try:
        call(_AT_ONCE_S)
    except KafkaException as refusal:
        if not refusal.args[0].retriable():
            raise
        return False
    return True


if __name__ == "__main__":
    name, number, deed, dashes, *command = sys.argv[1:]
    assert dashes == "--"
    planned = Fault(POINTS[name], int(number), Action(deed))
    if Action(deed) is Action.STEP:
        planned.step_clock()
    install(planned)
    sys.argv = ["fraud", *command]
    main.run()
