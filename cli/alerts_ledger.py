"""`fraud alerts status` and `fraud alerts replay`: what became of notices, and those that reached nobody once more."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from cli.console import err, open_table, print_table
from cli.options import BootstrapOption, ConfigOption, JsonOption, SetOption, read_settings
from cli.topics import GIVE_UP_AFTER_S
from stream import kafka as clients
from stream.errors import Mendable
from stream.settings import KafkaSettings

if TYPE_CHECKING:
    from alerting.ledger.entries import Delivery
    from alerting.ledger.reading import Known

_SENT: Final = "sent"
_COLUMNS: Final = ("receiver", "channel", "recipient", "state", "attempts", "changed", "what is known")


class NothingKnown(Mendable):
    """The ledger has no entry of a transaction or alert."""


def status(
    transaction: Annotated[str, typer.Argument(help="Id of a transaction, an alert or a digest.")],
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show what became of each notice about a transaction, digests that count it included."""
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings.kafka)

    from alerting.ledger.reading import deliveries_of

    known = deliveries_of(settings.kafka, settings.topics.alert_ledger, transaction)
    if as_json:
        typer.echo(json.dumps({"notices": [_as_json(one) for one in known]}))
    elif known:
        _print(transaction, known)
    if not known:
        raise NothingKnown(
            f"the ledger knows no notice about {transaction!r}",
            remedy="check the id, and whether its verdict is fraud; notices are kept for two weeks",
        )


def replay(
    execute: Annotated[bool, typer.Option("--execute", help="Send them; without it they are only counted.")] = False,
    as_json: JsonOption = False,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Send the notices in the dead letters that reached nobody, each under its old id; what was sent since is left.

    Limits, silences and recipients who want nothing more are heeded. A text message that may have been sent is
    looked up.
    """
    settings = read_settings(config, assignments, bootstrap_servers)
    _reach(settings.kafka)

    from alerting.replaying import replay_dead_letters

    replayed = replay_dead_letters(settings.alerts, settings.kafka, settings.topics, execute=execute)
    if as_json:
        typer.echo(json.dumps({"executed": execute, **asdict(replayed)}))
        return
    lines = {
        "sent" if execute else "to be sent": replayed.sent,
        "dead letters again": replayed.failed,
        "unsure, for the next replay": replayed.unsure,
        "held back by limits, silences or their recipients": replayed.held,
        "sent or waiting since": replayed.settled,
        "of recipients whom the rules name no more": replayed.gone,
        "older than the ledger remembers": replayed.forgotten,
        "without anything to tell": replayed.unreadable,
    }
    table = open_table("replayed" if execute else "would be replayed")
    table.add_column("notices")
    table.add_column("", justify="right")
    for name, count in lines.items():
        table.add_row(name, str(count))
    print_table(table)
    if not execute and replayed.sent:
        err.print("nothing was sent: give --execute to send them")


def _reach(kafka: KafkaSettings) -> None:
    clients.reach_broker(kafka, stop=threading.Event(), give_up_after_s=GIVE_UP_AFTER_S)


def _as_json(known: Known) -> dict[str, Any]:
    """The entry without what it was to tell: the verdict has the account's number."""
    entry: dict[str, Any] = msgspec.to_builtins(known.delivery)
    del entry["verdict"]
    confirmation = None if known.confirmation is None else msgspec.to_builtins(known.confirmation)
    # What was taken, and then failed at the provider, is not "sent" to whoever asks.
    return {**entry, "state": _state(known), "confirmation": confirmation}


def _print(transaction: str, known: list[Known]) -> None:
    table = open_table(f"notices about {transaction}")
    for column in _COLUMNS:
        table.add_column(column)
    digests = {key: one for one in known for key in one.delivery.counts}
    for one in known:
        delivery = one.delivery
        changed = delivery.changed_at.strftime("%Y-%m-%d %H:%M:%SZ")
        cells = [delivery.receiver, delivery.channel, delivery.recipient, _state(one), str(delivery.attempts)]
        table.add_row(*cells, changed, _detail(one, digests.get(delivery.digest or "")))
    print_table(table)


def _state(known: Known) -> str:
    return known.delivery.state.value if known.confirmation is None else known.confirmation.said.value


def _detail(known: Known, digest: Known | None) -> str:
    """What there is to say of a notice.

    Args:
        known: The notice.
        digest: That counts it, once it is decided on.
    """
    delivery = known.delivery
    what = "" if delivery.tally is None else f"a digest of {delivery.tally.count}"
    if known.confirmation is not None and known.confirmation.code is not None:
        said = f"provider's code {known.confirmation.code}"
    elif delivery.held is not None:
        said = f"held back: {delivery.held.value}, {_counted(delivery, digest)}".removesuffix(", ")
    elif delivery.state == _SENT:
        said = delivery.provider_id or ""
    else:
        said = delivery.detail or ""
    return ": ".join(filter(None, (what, said)))


def _counted(delivery: Delivery, digest: Known | None) -> str:
    if digest is not None:
        return f"counted in digest {digest.delivery.alert_id}, which is {_state(digest)}"
    return "" if delivery.digest is None else "waits for a digest"
