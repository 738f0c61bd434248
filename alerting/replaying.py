"""Dead letters to channels: what `fraud alerts replay` puts together."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from alerting.breaker import Breaker
from alerting.composing import Composer
from alerting.ledger.book import Book
from alerting.ledger.reading import given_up
from alerting.limits import Limiter
from alerting.outbox import Outbox
from alerting.policies import ChannelPolicy
from alerting.preparing import prepare
from alerting.replay import Replayed, letters_in, replay, revived
from alerting.sending import Sending
from alerting.settings import AlertSettings
from alerting.site import links_of
from stream import kafka as clients
from stream.errors import WorkerFailed
from stream.settings import KafkaSettings, TopicSettings
from stream.timeouts import timeouts
from stream.topic_reading import read_to_end
from stream.transaction import TransactionalWriter

_ATTEMPTS: Final = 3


def replay_dead_letters(
    settings: AlertSettings, kafka: KafkaSettings, topics: TopicSettings, *, execute: bool
) -> Replayed:
    """Sends what reached nobody, and counts; without `execute` it only counts what it would send.

    Raises:
        Mendable: Settings or rules are wrong, or a grant is missing.
        WorkerFailed: Kafka did not take what was decided, or another replay runs.
    """
    letters, unreadable = letters_in(read_to_end(kafka, topics.alert_dead_letters))
    wanted = given_up(kafka, topics.alert_ledger, {letter.delivery.id for letter in letters})
    due = [letter for letter in letters if letter.delivery.id in wanted]
    counted = Replayed(sent=len(due), unreadable=unreadable, settled=len(letters) - len(due))
    if not execute or not due:
        return counted
    name = f"{settings.group_id}-replay"
    with ExitStack() as ending:
        prepared = ending.enter_context(prepare(settings))
        policies = {name: _impatient(policy) for name, policy in prepared.policies.items()}
        book = Book()
        outbox = Outbox(
            book,
            prepared.rulebook,
            Limiter({}),  # somebody has asked for exactly these
            policies,
            name=name,
            hushed=lambda *_: None,
            stops=set(),
            gate=Breaker(),
            random=random.random,
        )
        composer = Composer(prepared.renderer, prepared.rulebook.alert, links_of(settings.acknowledge))
        sending = ending.enter_context(Sending(prepared.channels, composer, timer=time.monotonic, now=_now))
        writer = TransactionalWriter(
            lambda: clients.transactional_producer(kafka, name), limits=timeouts(kafka.properties)
        )
        if not writer.open():
            raise WorkerFailed("the broker does not open transactions: try again")
        known = [one for one in due if one.delivery.channel in policies]
        replayed = replay(
            [(one.partition, revived(one, policies[one.delivery.channel], _now())) for one in known],
            book=book,
            outbox=outbox,
            sending=sending,
            writer=writer,
            ledger_topic=topics.alert_ledger,
            dead_letter_topic=topics.alert_dead_letters,
            now=_now,
            sleep=time.sleep,
        )
        left_out = len(due) - len(known)
        return replace(replayed, unreadable=unreadable + left_out, settled=counted.settled)


def _impatient(policy: ChannelPolicy) -> ChannelPolicy:
    """Somebody waits for the command to end."""
    return replace(policy, patience=replace(policy.patience, attempts=_ATTEMPTS))


def _now() -> datetime:
    return datetime.now(UTC)
