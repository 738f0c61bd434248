"""What is said at the end."""

from __future__ import annotations

import json
from typing import Final

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from demo.inboxes import words_for
from demo.tally import Outcome, discrepancies, percentile_ms, rightness

_ALERT_WIDTH: Final = 100


def print_summary(outcome: Outcome, console: Console) -> None:
    """One alert on every channel, counts, rightness, latency, and whether the counts tie."""
    if alert := _one_alert(outcome):
        console.print(alert)
    console.print(_counts(outcome))
    console.print(
        "Latency: from the transaction's record to the arrival of its verdict at a reader of committed records.",
        highlight=False,
        soft_wrap=True,
    )
    untied = discrepancies(outcome)
    for sentence in untied:
        console.print(f"does not tie: {sentence}", style="bold red", highlight=False, soft_wrap=True)
    if not untied:
        console.print(
            "The counts tie: one verdict for each transaction, and on each channel each fraud verdict told of once, by "
            "itself or in a digest.",
            style="green",
            highlight=False,
            soft_wrap=True,
        )


def _counts(outcome: Outcome) -> Table:
    right = rightness(outcome)
    table = Table(title="What came of it", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    frauds = sum(outcome.labels)
    table.add_row("transactions", f"{outcome.sent:,}", f"{frauds:,} of them fraud by their labels")
    table.add_row("verdicts", f"{len(outcome.verdicts):,}", f"{len(outcome.frauds):,} of them fraud")
    table.add_row(
        "precision", _ratio(right.precision), f"{right.caught:,} of {right.caught + right.false_alarms:,} alarms right"
    )
    table.add_row("recall", _ratio(right.recall), f"{right.caught:,} of {right.caught + right.missed:,} frauds caught")
    for channel, notices in outcome.notices.items():
        told = f"of {len(outcome.frauds):,} fraud verdicts"
        if notices.digests:
            digests = "1 digest" if notices.digests == 1 else f"{notices.digests:,} digests"
            told += f", {notices.counted:,} more in {digests}"
        table.add_row(f"told by {channel}", f"{len(notices.told):,}", told)
    for percent in (50, 99):
        latency = percentile_ms(outcome.latencies_ms, percent)
        table.add_row(f"latency p{percent}", "-" if latency is None else f"{latency:.0f} ms", "")
    return table


def _one_alert(outcome: Outcome) -> Group | None:
    """The first fraud verdict of which every channel was told by itself, in each channel's words."""
    received = {channel: set(texts) for channel, texts in outcome.received.items()}
    for verdict in outcome.frauds:
        words = words_for(verdict)
        if all(text in received[channel] for channel, text in words.items()):
            panels = (
                Panel(Text(_readable(text)), title=channel, title_align="left", width=_ALERT_WIDTH)
                for channel, text in words.items()
            )
            return Group("One alert as each channel received it:", *panels)
    return None


def _readable(text: str) -> str:
    """JSON with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text.rstrip("\n")


def _ratio(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"
