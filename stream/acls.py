"""What each process must be granted on a broker with an authorizer, and nothing more (pure).

Kafka adds DESCRIBE to whoever may READ or WRITE. A transactional producer needs no further grant for being idempotent.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from stream.errors import Mendable
from stream.settings import ScorerSettings, TopicSettings

Resource = Literal["topic", "group", "transactional-id"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal["Read", "Write", "Create", "Describe"]


class PrincipalUnclear(Mendable):
    """No principal of Kafka's, or everybody."""


@dataclass(frozen=True)
class Grant:
    """One thing that somebody may do.

    Attributes:
        principal: Type:name, as the broker calls whoever logged in; a certificate's name is its whole subject.
        operation: What.
        resource: With which kind of thing.
        name: Its name, or how its name begins.
        pattern: Which of the two.
    """

    principal: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = "literal"


def scorer_grants(principal: str, topics: TopicSettings, scorer: ScorerSettings, *, shadow: bool) -> list[Grant]:
    """What `fraud score` needs, in every slot of its group.

    Args:
        principal: Who scores.
        topics: Their names.
        scorer: The group.
        shadow: Whether a challenger's verdicts are written as well.

    Raises:
        PrincipalUnclear: It is not written as Type:name.
    """
    _check(principal)
    any_slot = scorer.transactional_id.removesuffix(str(scorer.slot))
    written = [topics.verdicts, topics.dead_letters, *([topics.shadow_verdicts] if shadow else [])]
    return [
        Grant(principal, "Read", "topic", topics.transactions),
        *(Grant(principal, "Write", "topic", topic) for topic in written),
        Grant(principal, "Read", "group", scorer.group_id),
        Grant(principal, "Write", "transactional-id", any_slot, "prefixed"),
    ]


def alert_grants(principal: str, topics: TopicSettings, group_id: str) -> list[Grant]:
    """What `fraud alert` needs, in every slot of its group, and `fraud alerts silence`, `ack`, `status` and `replay`.

    Args:
        principal: Who tells people.
        topics: Their names.
        group_id: The alert workers' group.

    Raises:
        PrincipalUnclear: It is not written as Type:name.
    """
    _check(principal)
    read = [topics.verdicts, topics.alert_ledger, topics.alert_silences, topics.alert_dead_letters]
    written = [topics.alert_ledger, topics.alert_silences, topics.alert_dead_letters, topics.labels]
    return [
        *(Grant(principal, "Read", "topic", topic) for topic in read),
        *(Grant(principal, "Write", "topic", topic) for topic in written),
        Grant(principal, "Read", "group", group_id),
        Grant(principal, "Write", "transactional-id", f"{group_id}-", "prefixed"),
    ]


def desk_grants(principal: str, topics: TopicSettings, scorer: ScorerSettings) -> list[Grant]:
    """What `fraud dlq`, `fraud rescore` into the shadow topic, and `fraud diff` need.

    Args:
        principal: Who works through dead letters, and asks what other models would have said.
        topics: Their names.
        scorer: The group whose transactions are scored again.

    Raises:
        PrincipalUnclear: It is not written as Type:name.
    """
    _check(principal)
    read = [topics.transactions, topics.verdicts, topics.shadow_verdicts]
    read += [topics.dead_letters, topics.replayed_dead_letters]
    written = (topics.transactions, topics.replayed_dead_letters, topics.shadow_verdicts)
    return [
        *(Grant(principal, "Read", "topic", topic) for topic in read),
        *(Grant(principal, "Write", "topic", topic) for topic in written),
        Grant(principal, "Write", "transactional-id", f"{topics.dead_letters}-replay"),
        Grant(principal, "Write", "transactional-id", f"{scorer.group_id}-rescore-", "prefixed"),
    ]


def operator_grants(principal: str, made: Iterable[str]) -> list[Grant]:
    """What `fraud topics create` needs.

    Args:
        principal: Who makes the topics.
        made: The topics' names.

    Raises:
        PrincipalUnclear: It is not written as Type:name.
    """
    _check(principal)
    operations: tuple[Operation, ...] = ("Create", "Describe")
    return [Grant(principal, operation, "topic", topic) for topic in made for operation in operations]


def shell_line(grant: Grant, bootstrap_servers: str) -> str:
    """The same for Kafka's own tool, as a line for a POSIX shell."""
    words = ["kafka-acls.sh", "--bootstrap-server", bootstrap_servers, "--add", "--allow-principal", grant.principal]
    words += ["--operation", grant.operation, f"--{grant.resource}", grant.name]
    if grant.pattern == "prefixed":
        words += ["--resource-pattern-type", "prefixed"]
    return shlex.join(words)


def _check(principal: str) -> None:
    kind, colon, name = principal.partition(":")
    if not kind.isalnum() or not colon or not name.strip():
        raise PrincipalUnclear(f"{principal!r} is no principal", remedy="write it as the broker does, say User:scorer")
    if name == "*":
        raise PrincipalUnclear(
            f"{principal!r} is everybody", remedy="name the one that the broker knows the process by, say User:scorer"
        )
