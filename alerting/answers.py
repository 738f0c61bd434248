"""What people and providers answer, written to Kafka before anybody is told that it was taken."""

from __future__ import annotations

import threading
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from alerting.labels import Label, record_of_label
from alerting.ledger.book import Change, key_of
from alerting.ledger.entries import Confirmation
from alerting.ledger.writing import records_of
from alerting.policies import Stopped
from alerting.silences import record_of_silence, silence_of
from alerting.silencing import Silence
from stream import kafka as clients
from stream.errors import WorkerFailed
from stream.records import Outgoing
from stream.settings import KafkaSettings, TopicSettings

_WAIT_S: Final = 10.0


class AnswerLost(WorkerFailed):
    """Kafka did not take an answer: whoever gave it gives it again."""


class Answers:
    """Writes answers. May be used by several threads at once; connects with the first.

    Args:
        kafka: Where.
        topics: Their names.
    """

    def __init__(self, kafka: KafkaSettings, topics: TopicSettings) -> None:
        self._kafka = kafka
        self._topics = topics
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def said(self, silence: Silence, label: Label | None = None) -> None:
        """Somebody's answer to an alert: its group is quiet from now on, and training learns of the label.

        Raises:
            AnswerLost: It was not taken, or not all of it.
        """
        records = [record_of_silence(silence, topic=self._topics.alert_silences)]
        if label is not None:
            records.append(record_of_label(label, topic=self._topics.labels))
        self._write(records)

    def confirmed(self, confirmation: Confirmation, partition: int, stopped: Stopped | None = None) -> None:
        """What a provider says of a notice, beside the notice's entry in the ledger.

        Args:
            confirmation: What it says.
            partition: Of the entry.
            stopped: Its recipient, where nothing more would ever arrive there.

        Raises:
            AnswerLost: It was not taken.
        """
        change = Change(partition, key_of(confirmation), confirmation)
        records = records_of([change], topic=self._topics.alert_ledger)
        if stopped is not None:
            records.append(record_of_silence(silence_of(stopped), topic=self._topics.alert_silences))
        self._write(records)

    def close(self) -> None:
        """Lets go of the connection; another answer would connect anew."""
        with self._lock:
            self._producer = None

    def _write(self, records: list[Outgoing]) -> None:
        refused: list[KafkaError] = []
        taken: list[str] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            taken.append(message.topic() or "") if error is None else refused.append(error)

        try:
            producer = self._made()
            for record in records:
                producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    -1 if record.partition is None else record.partition,
                    delivered,
                    None,
                    0,
                    list(record.headers),
                )
            producer.flush(_WAIT_S)
        except (KafkaException, BufferError) as failure:
            self.close()  # a producer that has failed for good takes nothing more; the next answer gets another
            raise AnswerLost(f"the answer could not be written ({type(failure).__name__})") from None
        if refused or len(taken) < len(records):
            why = refused[0].name() if refused else "the broker did not answer in time"
            raise AnswerLost(f"the answer could not be written ({why})")

    def _made(self) -> Producer:
        with self._lock:
            if self._producer is None:
                self._producer = clients.producer(self._kafka)
            return self._producer
