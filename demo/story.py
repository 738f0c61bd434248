"""The demo as a story: learn from the past, score what comes, tell people, count."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from demo.board import Board
from demo.fraud import Fraud, is_ready
from demo.history import History, cut_history, fitting_profile
from demo.inboxes import CHANNELS, Inboxes, expected_words
from demo.kafka.embedded import EmbeddedBroker
from demo.kafka.jars import require_tools
from demo.kafka.local import LocalKafka
from demo.notices import notices_of
from demo.ports import free_ports
from demo.processes import Child
from demo.progress import Progress
from demo.signals import deferred_signals
from demo.tally import Outcome
from demo.watcher import Sight, Watcher
from demo.workspace import Workspace
from model.data.dataset import Dataset, read_dataset
from model.profile import load_profile, shipped_profiles
from stream.contracts import Ruling
from stream.settings import KafkaSettings, TopicSettings

# Deadlines: far above what a laptop needs, so that only a standstill meets them.
_SIMULATING_S: Final = 120.0
_TRAINING_S: Final = 900.0
_CREATING_TOPICS_S: Final = 60.0
_GETTING_READY_S: Final = 90.0
_CATCHING_UP_S: Final = 90.0
_LEAVING_S: Final = 20.0

# The embedded broker answers a fetch that found nothing only after this time, whatever has come meanwhile.
_QUICK_FETCHES: Final[dict[str, str | int | float | bool]] = {"fetch.wait.max.ms": 10}

_FIRST_LOOK: Final = (
    "It is for a first look: it stores no transactional offsets, does not hide aborted records and keeps some 5 MB "
    "of each topic. BROKER=kafka takes Apache Kafka instead."
)

_COUNT_EVERY_S: Final = 0.25


class BrokerKind(StrEnum):
    """Which Kafka the demo runs on."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


@dataclass(frozen=True)
class Plan:
    """What to play.

    Attributes:
        data: Labelled transactions; None simulates them.
        profile: What their columns are; None takes the shipped one that fits.
        broker: Which Kafka.
        live_rows: How many of the latest transactions are streamed instead of learnt from.
        most_past_rows: How many of those before are learnt from at most.
        rate: How many of them a second.
        jars: Where a real Kafka's jars are kept.
    """

    data: Path | None
    profile: str | None
    broker: BrokerKind
    live_rows: int
    most_past_rows: int
    rate: float
    jars: Path


class Story:
    """One run, from nothing to counts.

    Args:
        plan: What to play.
        environ: What the children inherit, `demo.isolation.isolate`d.
        work: Where everything is written.
        board: Says how it goes.
        cleanup: Ends every process and server that is started.
    """

    def __init__(
        self, plan: Plan, *, environ: Mapping[str, str], work: Workspace, board: Board, cleanup: ExitStack
    ) -> None:
        self._plan = plan
        self._data = work.data
        self._board = board
        self._cleanup = cleanup
        self._fraud = Fraud(environ, work, cleanup)

    def play(self) -> Outcome:
        """Learns, starts everything, streams, counts.

        Returns:
            What was counted; whether it ties is the caller's question.

        Raises:
            Mendable: The data or the machine is not as it has to be.
            ChildFailed: A process failed, or did not come to its end.
            WorkerFailed: The broker cannot be read.
        """
        if self._plan.broker is BrokerKind.KAFKA:
            require_tools()  # Now, rather than after minutes of learning.
        data, profile = self._transactions()
        history = self._cut(data, profile)
        model = self._learn(history, profile)
        kafka = self._start_broker()
        with deferred_signals():
            inboxes = Inboxes(self._cleanup)
        workers = self._start_workers(model, kafka, inboxes)
        live = read_dataset(history.live, load_profile(profile), need_labels=True)
        with deferred_signals():  # An end between the two would leave a thread that waits for nobody.
            watcher = Watcher(kafka, TopicSettings(), now=time.time)
            self._cleanup.callback(watcher.abandon)
        self._stream(self._start_replay(history, profile, kafka), workers, lambda: _progress(live, watcher, inboxes))
        return _outcome(live, watcher.finish(within_s=_LEAVING_S), inboxes)

    def _transactions(self) -> tuple[Path, str]:
        """The file to learn from and the name of its profile."""
        data, profile = self._plan.data, self._plan.profile
        if data is not None:
            return data, _named(profile) if profile else fitting_profile(data)
        simulated = self._data / "simulated.parquet"
        with self._board.phase("Simulating card transactions", "Simulated card transactions"):
            self._fraud.run(
                *("simulate", "--out", str(simulated)), settings={}, doing="while simulating", within_s=_SIMULATING_S
            )
        return simulated, "simulated"

    def _cut(self, data: Path, profile: str) -> History:
        plan = self._plan
        history = cut_history(
            data,
            load_profile(profile),
            live_rows=plan.live_rows,
            most_past_rows=plan.most_past_rows,
            into=self._data,
        )
        which = "" if history.past_rows == history.earlier_rows else f"the latest {history.past_rows:,} of "
        self._board.say(
            f"To learn from: {which}{history.earlier_rows:,} transactions; "
            f"to stream: the {history.live_rows:,} after them"
        )
        return history

    def _learn(self, history: History, profile: str) -> Path:
        model = self._data / "model"
        with self._board.phase("Learning", "Learnt a random forest"):
            self._fraud.run(
                # Without a search: it would take minutes, and this is a first look.
                *("train", str(history.past), "--profile", profile, "--out", str(model), "--budget", "0"),
                settings={},
                doing="while learning",
                within_s=_TRAINING_S,
            )
        return model

    def _start_broker(self) -> KafkaSettings:
        """A broker with the topics on it."""
        if self._plan.broker is BrokerKind.EMBEDDED:
            embedded = self._cleanup.enter_context(EmbeddedBroker())
            embedded.make_topics(TopicSettings().names)
            self._board.say(f"Embedded broker at {embedded.bootstrap}. {_FIRST_LOOK}")
            return KafkaSettings(bootstrap_servers=embedded.bootstrap, properties=_QUICK_FETCHES)
        with self._board.phase("Starting Apache Kafka", "Started Apache Kafka"):
            local = self._cleanup.enter_context(LocalKafka(jars=self._plan.jars, directory=self._data))
            kafka = KafkaSettings(bootstrap_servers=local.bootstrap)
            self._fraud.run(
                *("topics", "create"),
                settings=_address(kafka),
                doing="while making topics",
                within_s=_CREATING_TOPICS_S,
            )
        self._board.say(f"The broker at {local.bootstrap} is a real one, with the topics that production has.")
        return kafka

    def _start_workers(self, model: Path, kafka: KafkaSettings, inboxes: Inboxes) -> list[Child]:
        """`fraud score` and `fraud alert`, each a process of its own, as in production."""
        ports = free_ports(2)
        told = [{**_address(kafka), "FRAUD_HTTP__PORT": str(port)} for port in ports]
        with self._board.phase("Starting fraud score and fraud alert", "Started fraud score and fraud alert"):
            scorer = self._fraud.start("score", "--model", str(model), settings=told[0])
            alerter = self._fraud.start("alert", settings={**told[1], **inboxes.settings(self._data)})
            workers = [scorer, alerter]
            for worker, port in zip(workers, ports, strict=True):
                worker.wait_until(partial(is_ready, port), doing="while getting ready", within_s=_GETTING_READY_S)
        return workers

    def _start_replay(self, history: History, profile: str, kafka: KafkaSettings) -> Child:
        return self._fraud.start(
            *("produce", str(history.live), "--profile", profile, "--rate", str(self._plan.rate)),
            settings=_address(kafka),
        )

    def _stream(self, replay: Child, workers: Sequence[Child], progress: Callable[[], Progress]) -> None:
        """Watches until all is sent, ruled and told, or time is up; then lets the workers go."""
        deadline = time.monotonic() + self._plan.live_rows / self._plan.rate + _CATCHING_UP_S
        with self._board.stream():
            while not self._is_over(replay, progress(), deadline):
                for worker in workers:
                    worker.require_running("while transactions came")
                time.sleep(_COUNT_EVERY_S)
        for worker in workers:
            worker.leave(within_s=_LEAVING_S)

    def _is_over(self, replay: Child, progress: Progress, deadline: float) -> bool:
        late = time.monotonic() >= deadline
        over = late or (replay.status is not None and progress.is_complete)
        if over or self._board.is_due():
            self._board.show(progress)
        if late or replay.status is not None:
            replay.finish(doing="while sending transactions", within_s=0)
        return over


def _named(profile: str) -> str:
    """The profile in words that also hold in the children's directory."""
    return profile if profile in shipped_profiles() else str(Path(profile).absolute())


def _address(kafka: KafkaSettings) -> dict[str, str]:
    return {
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FRAUD_KAFKA__PROPERTIES": json.dumps(kafka.properties),
    }


def _progress(live: Dataset, watcher: Watcher, inboxes: Inboxes) -> Progress:
    sight = watcher.sight()
    return Progress(
        expected=len(live),
        sent=sight.sent,
        verdicts=len(sight.verdicts),
        frauds=sum(verdict.verdict is Ruling.FRAUD for verdict in sight.verdicts),
        dead_letters=sight.dead_letters,
        told=inboxes.counts(),
        settled={channel: notices_of(sight.notices.values(), channel).settled for channel in CHANNELS},
        waiting=sight.waiting,
    )


def _outcome(live: Dataset, sight: Sight, inboxes: Inboxes) -> Outcome:
    notices = {channel: notices_of(sight.notices.values(), channel) for channel in CHANNELS}
    return Outcome(
        ids=live.ids,
        labels=[] if live.labels is None else live.labels.tolist(),
        sent=sight.sent,
        verdicts=sight.verdicts,
        latencies_ms=sight.latencies_ms,
        dead_letters=sight.dead_letters,
        notices=notices,
        expected=expected_words(sight.verdicts, {channel: one.told for channel, one in notices.items()}),
        received=inboxes.received(),
        repeated=inboxes.repeated(),
    )
