"""`fraud alerts ack`: an alert's link or reply code answered from the command line."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs

import typer

from cli.console import err
from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.acknowledge_settings import AcknowledgeSettings
    from alerting.acknowledging import Token
    from cli.settings import Settings


class LinkRefused(Mendable):
    """What was given is no link of ours, or works no more."""


class AnswerUnclear(Mendable):
    """An answer that is none, or that nobody can give."""


def ack(
    link: Annotated[str, typer.Argument(metavar="LINK|CODE", help="The alert's link, or its reply code.")],
    author: Annotated[str, typer.Option("--author", help="Who answers.", show_default=False)],
    seen: Annotated[bool, typer.Option("--seen", help="Somebody is on it.")] = False,
    fraud: Annotated[bool, typer.Option("--fraud", help="The transaction is fraud.")] = False,
    not_fraud: Annotated[bool, typer.Option("--not-fraud", help="The transaction is legitimate.")] = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Answer an alert as its page does: its group is quiet for a while, and training learns of the label."""
    if seen + fraud + not_fraud != 1:
        raise AnswerUnclear("an alert has one answer", remedy="give --seen, --fraud or --not-fraud")
    if not author.strip():
        raise AnswerUnclear("--author is empty", remedy="say who answers")
    settings = read_settings(config, assignments, bootstrap_servers)
    acknowledge = settings.alerts.acknowledge
    if acknowledge is None:
        raise LinkRefused(
            "alerts have no links", remedy="set alerts.acknowledge.base_url and alerts.acknowledge.secret"
        )

    from alerting.acknowledging import Said, answer_of, answers_to
    from alerting.answers import Answers

    now = datetime.now(UTC)
    said = Said.FRAUD if fraud else Said.LEGITIMATE if not_fraud else Said.SEEN
    token = _token(link.strip(), settings, acknowledge, now)
    if said not in answers_to(token):
        raise AnswerUnclear("a digest tells of several transactions", remedy="give --seen, or answer each alert")
    answered = answer_of(token, said, by=author.strip(), now=now, hold=timedelta(seconds=acknowledge.hold_s))
    _reach(settings)
    with closing(Answers(settings.kafka, settings.topics)) as answers:
        answers.said(answered.silence, answered.label)
    err.print(f"noted: {said.value}", highlight=False)


def _token(link: str, settings: Settings, acknowledge: AcknowledgeSettings, now: datetime) -> Token:
    """What is answered."""
    from alerting.acknowledging import TokenExpired, TokenRefused, verified
    from alerting.channels.webhook_settings import signing_keys
    from alerting.code_lookup import CodeBook
    from alerting.reply_codes import understood

    keys = signing_keys(acknowledge.secret)
    _, _, query = link.partition("?")
    asked = parse_qs(query)
    code = understood(asked.get("c", [link])[0])
    try:
        if code is None:
            return verified(asked.get("t", [link])[0], keys, now=now)
        _reach(settings)
        valid = timedelta(seconds=acknowledge.valid_s)
        token = CodeBook(settings.kafka, settings.topics.alert_ledger, keys, valid).token(code)
    except TokenRefused:
        token = None
    except TokenExpired:
        raise _expired() from None
    if token is None:
        raise LinkRefused("this is no link or code of these settings", remedy="copy it whole from the alert")
    if token.expires < now.timestamp():
        raise _expired()
    return token


def _expired() -> LinkRefused:
    return LinkRefused("the link has expired", remedy="look the alert up in the case system")


def _reach(settings: Settings) -> None:
    cluster = clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is not None:
        topics = settings.topics
        clients.require_topics(cluster, (topics.alert_silences, topics.labels, topics.alert_ledger))
