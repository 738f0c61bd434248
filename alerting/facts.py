"""What templates see of an alert or a digest: texts that can be shown as they are, account numbers masked (pure).

A text is empty where there is nothing to say. Times are in UTC. A template in HTML escapes what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerting.alert import Alert
from alerting.digest import Digest
from alerting.ledger.entries import Line
from alerting.text import masked_account, masked_fields, one_line
from alerting.wording import Wording
from stream.contracts import Verdict

LONGEST_SHOWN: Final = 120
_MOST_REASONS: Final = 5
_MOST_LINES: Final = 5
_MOST_FIELDS: Final = 10


@dataclass(frozen=True, slots=True)
class Links:
    """What the reader can do; empty where it is not offered.

    Attributes:
        acknowledge: Address of a page that marks the alert as seen, or as no fraud.
        code: What an analyst types instead.
        short: The page's address with the code: what a text message has room for.
    """

    acknowledge: str = ""
    code: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One fraud.

    Attributes:
        id: Of the alert.
        severity: Its band, by its name in the routing file: for conditions.
        severity_word: The same in the reader's language.
        amount: With its currency; in words where it is not known.
        account: Masked.
        time: To the minute.
        time_exact: To the second.
        event_time: For the filter `zoned`.
        transaction: Its producer's id.
        probability: Of fraud, in percent.
        threshold: From which it is fraud.
        reasons: In words, the strongest first, 5 at most.
        judged: When the model ruled, to the second.
        model: Name and version.
        topic: Where the transaction stands in Kafka.
        partition: In it.
        offset: In that.
        segment: The account's; the bank's own word.
        country: The account's.
    """

    id: str
    severity: str
    severity_word: str
    amount: str
    account: str
    time: str
    time_exact: str
    event_time: datetime
    transaction: str
    probability: str
    threshold: str
    reasons: tuple[str, ...]
    judged: str
    model: str
    topic: str
    partition: int
    offset: int
    segment: str
    country: str


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One alert of a digest; each as in `AlertFacts`."""

    id: str
    severity: str
    severity_word: str
    amount: str
    account: str
    time: str
    event_time: datetime
    transaction: str
    probability: str


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """Frauds that are told of together.

    Attributes:
        id: Of the digest.
        count: How many: for conditions.
        count_text: The same, as it is written.
        total: The largest three of the exact sums by currency, and how many more there are.
        without_amount: How many are in no sum.
        span: From the first transaction to the last; the date once where it is the same.
        first: To the minute.
        last: To the minute.
        account: Masked, where all are of one.
        fields: Name and value of what else they have in common, 10 at most.
        strongest: The likeliest frauds, 5 at most.
        truncated: How many more there are.
        truncated_text: The same, as it is written.
    """

    id: str
    count: int
    count_text: str
    total: str
    without_amount: int
    span: str
    first: str
    last: str
    account: str
    fields: tuple[tuple[str, str], ...]
    strongest: tuple[LineFacts, ...]
    truncated: int
    truncated_text: str


def reasons_in_words(verdict: Verdict, wording: Wording) -> tuple[str, ...]:
    """Why it is fraud, the strongest first, 5 at most."""
    return tuple(wording.reason(reason) for reason in verdict.reasons[:_MOST_REASONS])


def alert_facts(alert: Alert, wording: Wording, *, longest: int = LONGEST_SHOWN) -> AlertFacts:
    """What is said of an alert.

    Args:
        alert: The fraud.
        wording: The reader's language.
        longest: Characters of an id that are shown at most.
    """
    verdict, figures = alert.verdict, wording.figures
    return AlertFacts(
        id=alert.id,
        severity=one_line(alert.severity, LONGEST_SHOWN),
        severity_word=wording.severity(alert.severity),
        amount=figures.money(verdict.amount, verdict.currency),
        account="" if verdict.account_id is None else masked_account(verdict.account_id),
        time=figures.moment(verdict.event_time),
        time_exact=figures.moment(verdict.event_time, "seconds"),
        event_time=verdict.event_time,
        transaction=one_line(verdict.transaction_id, longest),
        probability=figures.percent(verdict.fraud_probability),
        threshold=figures.percent(verdict.threshold),
        reasons=reasons_in_words(verdict, wording),
        judged=figures.moment(verdict.scored_at, "seconds"),
        model=one_line(f"{verdict.model.name} {verdict.model.version}", longest),
        topic=one_line(verdict.source.topic, LONGEST_SHOWN),
        partition=verdict.source.partition,
        offset=verdict.source.offset,
        segment=one_line(alert.account.segment or "", longest),
        country=one_line(alert.account.country or "", longest),
    )


def digest_facts(digest: Digest, wording: Wording, *, longest: int = LONGEST_SHOWN) -> DigestFacts:
    """What is said of a digest; arguments as for `alert_facts`."""
    tally, figures = digest.tally, wording.figures
    fields = {name: one_line(value, longest) for name, value in masked_fields(digest.fields).items()}
    account = fields.pop("account_id", "")
    strongest = tuple(_line_facts(line, wording, longest) for line in tally.strongest[:_MOST_LINES])
    truncated = max(tally.count - len(strongest), 0)
    return DigestFacts(
        id=digest.id,
        count=tally.count,
        count_text=figures.count(tally.count),
        total=figures.sums(tally.sums),
        without_amount=tally.without_amount,
        span=figures.span(tally.first, tally.last),
        first="" if tally.first is None else figures.moment(tally.first),
        last="" if tally.last is None else figures.moment(tally.last),
        account=account,
        fields=tuple(fields.items())[:_MOST_FIELDS],
        strongest=strongest,
        truncated=truncated,
        truncated_text=figures.count(truncated),
    )


def _line_facts(line: Line, wording: Wording, longest: int) -> LineFacts:
    return LineFacts(
        id=line.alert_id,
        severity=one_line(line.severity, LONGEST_SHOWN),
        severity_word=wording.severity(line.severity),
        amount=wording.figures.money(line.amount, line.currency),
        account="" if line.account is None else masked_account(line.account),
        time=wording.figures.moment(line.event_time),
        event_time=line.event_time,
        transaction=one_line(line.transaction_id, longest),
        probability=wording.figures.percent(line.fraud_probability),
    )
