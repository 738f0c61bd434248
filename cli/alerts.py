"""`fraud alerts`: rules, texts, silences, answers, and what became of notices."""

from __future__ import annotations

import typer

from cli.alerts_ack import ack
from cli.alerts_held import held
from cli.alerts_ledger import replay, status
from cli.alerts_render import render
from cli.alerts_routing import check_config, route
from cli.alerts_silence import app as silence
from cli.alerts_trial import try_out

app = typer.Typer(
    help="Try the rules and texts of alerts, silence and answer them, and ask what became of them.",
    no_args_is_help=True,
)
app.command(name="check-config")(check_config)
app.command(name="test")(try_out)
for command in (route, render, status, held, replay, ack):
    app.command()(command)
app.add_typer(silence, name="silence")
