"""`fraud alerts ack`: an alert's link answered from the command line."""

from __future__ import annotations

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qs

import typer

from cli.console import err
from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.errors import Mendable


class LinkRefused(Mendable):
    """What was given is no link of ours, or works no more."""


class AnswerUnclear(Mendable):
    """An answer that is none, or that nobody can give."""


def ack(
    link: Annotated[str, typer.Argument(help="The alert's link, or the part behind t=.")],
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

    from alerting.acknowledging import Said, TokenExpired, TokenRefused, answer_of, answers_to, verified
    from alerting.answers import Answers
    from alerting.channels.webhook_settings import signing_keys

    now = datetime.now(UTC)
    said = Said.FRAUD if fraud else Said.LEGITIMATE if not_fraud else Said.SEEN
    _, _, query = link.strip().partition("?")
    text = parse_qs(query).get("t", [link.strip()])[0]
    try:
        token = verified(text, signing_keys(acknowledge.secret), now=now)
    except TokenRefused:
        raise LinkRefused("this is no link of these settings", remedy="copy it whole from the alert") from None
    except TokenExpired:
        raise LinkRefused("the link has expired", remedy="look the alert up in the case system") from None
    if said not in answers_to(token):
        raise AnswerUnclear("a digest tells of several transactions", remedy="give --seen, or answer each alert")
    answered = answer_of(token, said, by=author.strip(), now=now, hold=timedelta(seconds=acknowledge.hold_s))
    cluster = clients.reach_broker(settings.kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)
    if cluster is not None:
        clients.require_topics(cluster, (settings.topics.alert_silences, settings.topics.labels))
    with closing(Answers(settings.kafka, settings.topics)) as answers:
        answers.said(answered.silence, answered.label)
    err.print(f"noted: {said.value}", highlight=False)
