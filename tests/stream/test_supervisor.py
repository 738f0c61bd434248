"""A supervisor and real processes: what dies comes back, what cannot be mended ends all, and nobody outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from stream.crew_pages import CrewPages
from stream.errors import SlotTaken, WorkerFailed
from stream.health import Health, serving
from stream.settings import HttpSettings
from stream.supervisor import Supervisor, WorkerRefused
from stream.worker_process import WorkerProcess
from tests.harness.processes import is_gone
from tests.harness.waiting import wait_until

WORKS = "import threading; from cli.stopping import stop_on_signals; stop_on_signals().wait()"
DEAF = """
import signal, threading
from stream.lifeline import say_listening
signal.signal(signal.SIGTERM, signal.SIG_IGN)
say_listening(1)
threading.Event().wait()
"""
REFUSED = """
from stream.errors import TopicMissing
from stream.lifeline import endings_told
with endings_told():
    raise TopicMissing("topic 'verdicts' missing", remedy="run `fraud topics create`")
"""
OUSTED = """
from stream.errors import SlotTaken
from stream.lifeline import endings_told
with endings_told():
    raise SlotTaken("another worker runs with this slot")
"""
ANSWERS = """
import sys
from prometheus_client import CollectorRegistry, Counter
from cli.stopping import stop_on_signals
from stream.health import Health, serving
from stream.lifeline import end_with_supervisor, say_listening
from stream.settings import HttpSettings
registry, health, stop = CollectorRegistry(), Health(), stop_on_signals()
end_with_supervisor(stop)
Counter("fraud_transactions", "Read", registry=registry).inc(int(sys.argv[1]))
with serving(HttpSettings(port=0), health, registry) as port:
    health.ready(True)
    say_listening(port)
    stop.wait()
"""
SUPERVISES = """
import os, sys, threading
from cli.console import configure_logging
from stream.settings import LogSettings
from stream.crew_pages import CrewPages
from stream.health import Health
from stream.supervisor import Supervisor
from stream.worker_process import WorkerProcess
configure_logging(LogSettings())
health = Health()
command = [sys.executable, "-c", sys.argv[1], "0"]
supervisor = Supervisor([0, 1], lambda _: WorkerProcess(command, os.environ), stop=threading.Event(), health=health)
pages = CrewPages(supervisor, health)
def tell():
    while not pages.is_ready():
        pass
    print(*(worker.pid for worker in supervisor.workers.values()), flush=True)
threading.Thread(target=tell, daemon=True).start()
supervisor.run()
"""


@dataclass
class Crew:
    """A supervisor on a thread of its own.

    Attributes:
        supervisor: It.
        stop: Ends it.
        health: Of its loop.
        raised: What its `run` raised.
    """

    supervisor: Supervisor
    stop: threading.Event
    health: Health
    raised: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        try:
            self.supervisor.run()
        except (WorkerRefused, WorkerFailed) as error:
            self.raised.append(error)

    def pid(self, slot: int) -> int:
        worker = self.supervisor.workers[slot]
        assert worker is not None
        return worker.pid


@contextmanager
def crew(slots: list[int], program: Callable[[int], str], *, grace_s: float = 30.0) -> Iterator[Crew]:
    """Runs it; it has ended after the block."""
    stop, health = threading.Event(), Health()

    def spawn(slot: int) -> WorkerProcess:
        return WorkerProcess([sys.executable, "-c", program(slot), str(slot)], os.environ)

    made = Crew(Supervisor(slots, spawn, stop=stop, health=health, grace_s=grace_s), stop, health)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def restarted(made: Crew, slot: int, times: int) -> Callable[[], bool]:
    return lambda: made.supervisor.restarts[slot] == times and made.supervisor.workers[slot] is not None


def test_a_worker_that_is_killed_comes_back_and_the_others_stay() -> None:
    with crew([4, 5], lambda _: WORKS) as made:
        wait_until(lambda: all(made.supervisor.workers.values()), within_s=30, what="not all have started")
        first, other = made.pid(4), made.pid(5)

        os.kill(first, signal.SIGKILL)
        wait_until(restarted(made, 4, 1), within_s=30, what="slot 4 has no new worker")

        assert made.pid(4) != first
        assert made.pid(5) == other
        assert made.supervisor.restarts == {4: 1, 5: 0}
        pids = [made.pid(4), made.pid(5)]
    assert made.raised == []
    assert all(is_gone(pid) for pid in [*pids, first])


def test_what_must_be_mended_ends_all_and_is_said_once() -> None:
    with crew([0, 1, 2], lambda slot: WORKS if slot == 1 else REFUSED) as made:
        wait_until(lambda: made.raised != [], within_s=60, what="it goes on")
        (raised,) = made.raised

    assert isinstance(raised, WorkerRefused)
    assert str(raised) == "topic 'verdicts' missing: run `fraud topics create`"


def test_status_2_without_a_word_names_the_slot() -> None:
    with crew([7], lambda _: "raise SystemExit(2)") as made:
        wait_until(lambda: made.raised != [], within_s=60, what="it goes on")

    assert "slot 7" in str(made.raised[0])
    assert isinstance(made.raised[0], WorkerRefused)


def test_a_slot_that_another_keeps_is_given_up() -> None:
    with crew([3], lambda _: OUSTED) as made:
        wait_until(lambda: made.raised != [], within_s=60, what="it goes on")

    assert isinstance(made.raised[0], SlotTaken)
    assert str(made.raised[0]) == "slot 3: another worker runs with this slot"


def test_a_worker_that_does_not_hear_is_killed_after_the_grace_and_that_is_no_clean_end() -> None:
    with crew([0], lambda _: DEAF, grace_s=0.5) as made:

        def is_deaf() -> bool:
            worker = made.supervisor.workers[0]
            return worker is not None and worker.port is not None

        wait_until(is_deaf, within_s=30, what="it still listens")
        pid = made.pid(0)
        made.stop.set()
        wait_until(lambda: made.raised != [], within_s=30, what="it goes on")

    assert "slot 0: SIGKILL" in str(made.raised[0])
    assert is_gone(pid)


def test_a_program_that_is_not_there_is_tried_again() -> None:
    stop, health, tries = threading.Event(), Health(), [0]

    def spawn(_: int) -> WorkerProcess:
        tries[0] += 1
        if tries[0] == 2:
            stop.set()
        return WorkerProcess(["/no/such/program"], os.environ)

    Supervisor([0], spawn, stop=stop, health=health).run()

    assert tries == [2]


def test_probes_and_metrics_are_those_of_all_workers() -> None:
    with crew([1, 2], lambda _: ANSWERS) as made:
        pages, registry = CrewPages(made.supervisor, made.health), CollectorRegistry()
        registry.register(pages)
        wait_until(pages.is_ready, within_s=60, what="not ready")
        with serving(HttpSettings(port=0), pages, registry) as port:
            text = page(port, "/metrics")
            assert 'fraud_transactions_total{slot="1"} 1.0' in text
            assert 'fraud_transactions_total{slot="2"} 2.0' in text
            assert 'fraud_worker_up{slot="1"} 1.0' in text
            assert 'fraud_worker_restarts_total{slot="2"} 0.0' in text
            assert text.count("# TYPE fraud_transactions_total counter") == 1
            assert page(port, "/readyz") == "ready\n"

            os.kill(made.pid(2), signal.SIGSTOP)
            assert not pages.is_ready()
            assert pages.is_healthy()
            text = page(port, "/metrics")
            assert 'fraud_worker_up{slot="2"} 0.0' in text
            assert 'fraud_transactions_total{slot="1"} 1.0' in text
            os.kill(made.pid(2), signal.SIGCONT)
            wait_until(pages.is_ready, within_s=30, what="not ready again")
    assert made.raised == []


def test_not_ready_before_the_workers_are() -> None:
    health = Health()
    supervisor = Supervisor([0], lambda _: WorkerProcess(["true"], os.environ), stop=threading.Event(), health=health)
    pages = CrewPages(supervisor, health)

    assert not pages.is_ready()
    assert pages.is_healthy()


def test_no_worker_outlives_a_supervisor_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISES, ANSWERS], stdout=subprocess.PIPE) as supervisor:
        try:
            assert supervisor.stdout is not None
            pids = [int(pid) for pid in supervisor.stdout.readline().split()]
            assert len(pids) == 2
            assert not any(map(is_gone, pids))
        finally:
            supervisor.kill()
    wait_until(lambda: all(map(is_gone, pids)), within_s=30, what=f"one of {pids} lives on")


def page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())
