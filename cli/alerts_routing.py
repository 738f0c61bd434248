"""`fraud alerts check-config` and `fraud alerts route`: the routing file, before anybody is told."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.alert_settings import alert_settings_for_trying, read_alert_settings
from cli.console import open_table, out, print_table
from cli.options import ConfigOption, JsonOption, SetOption
from cli.verdict_files import VerdictOption, read_verdict
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.alert import Alert
    from alerting.destinations import Destination
    from alerting.routing.rules import Rules

RoutesOption = Annotated[
    Path | None,
    typer.Option("--routes", metavar="FILE", help="The routing file.", show_default="the settings' alerts.routes"),
]


def check_config(
    routes: RoutesOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Say all that `fraud alert` would refuse at its start, in the routing file with line and column; status 2."""
    from alerting.broker_clients import require_clients
    from alerting.errors import Flaws
    from alerting.preparing import prepare
    from alerting.routing.checking import notes_of

    counts, notes, found = "", [], Flaws()
    with found.noted():
        settings = read_alert_settings(config, assignments, routes=routes)
        routes = settings.alerts.routes
        with found.noted(), prepare(settings.alerts) as prepared:
            counts, notes = _counts(prepared.rules), notes_of(prepared.rules)
        with found.noted():
            require_clients(settings.kafka, settings.alerts)
    flaws = found.found
    if as_json:
        problems = [problem for flaw in flaws for problem in _problems(flaw)]
        also = [{"line": one.place.line, "column": one.place.column, "message": one.message} for one in notes]
        typer.echo(json.dumps({"file": None if routes is None else str(routes), "problems": problems, "notes": also}))
    elif flaws:
        for problem in (problem for flaw in flaws for problem in flaw.problems):
            _say(problem)
    else:
        for one in notes:
            _say(f"{routes}:{one.place.line}:{one.place.column}: note: {one.message}")
        _say(f"{routes or 'settings without a routing file'}: nothing is wrong ({counts})")
    if flaws:
        raise typer.Exit(2)


def _problems(flaw: Mendable) -> list[dict[str, Any]]:
    """As JSON values; what is not in the routing file has no place."""
    from alerting.routing.loading import RulesInvalid

    if not isinstance(flaw, RulesInvalid):
        return [{"file": None, "line": None, "column": None, "message": problem} for problem in flaw.problems]
    return [
        {"file": str(flaw.file), "line": one.place.line, "column": one.place.column, "message": one.message}
        for one in flaw.found
    ]


def route(
    verdict: VerdictOption = None,
    routes: RoutesOption = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            "--accounts",
            metavar="FILE",
            help="What is known of accounts (CSV).",
            show_default="the settings' alerts.accounts",
        ),
    ] = None,
    show_addresses: Annotated[
        bool, typer.Option("--show-addresses", help="Print addresses in full; they are personal data.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Show who would be told of a verdict, and why; nobody is told. Of the settings only the files' names count."""
    settings = alert_settings_for_trying(config, assignments)

    from alerting.account_file import AccountFile
    from alerting.errors import Flaws
    from alerting.preparing import rules_of
    from alerting.routing.checking import Configured
    from alerting.rulebook import Rulebook
    from alerting.specimens import USUAL_ALERT
    from stream.contracts import Ruling

    chosen = settings if routes is None else settings.model_copy(update={"routes": routes})
    accounts = accounts or settings.accounts
    flaws, known = Flaws(), None
    with ExitStack() as ending:
        with flaws.noted():
            tried = USUAL_ALERT.verdict if verdict is None else read_verdict(verdict)
        with flaws.noted():
            rules = rules_of(chosen, Configured())
        with flaws.noted():
            known = None if accounts is None else ending.enter_context(closing(AccountFile(accounts)))
        flaws.require_none()
        alert = (Rulebook(rules) if known is None else Rulebook(rules, known.account)).alert(tried)
    is_fraud = tried.verdict is Ruling.FRAUD
    shown = _shown(rules, alert, show_addresses=show_addresses) if is_fraud else _NOBODY
    if as_json:
        typer.echo(json.dumps({"fraud": is_fraud, **shown}))
    elif is_fraud:
        _print(shown)
    else:
        _say("the verdict is legitimate: nobody is told")


_NOBODY: Final[dict[str, Any]] = {
    "severity": None,
    "severity_why": None,
    "told": [],
    "untold": [],
    "repeated": [],
    "routes": [],
}


def _shown(rules: Rules, alert: Alert, *, show_addresses: bool) -> dict[str, Any]:
    """Who is told, who cannot be, and what came of each route; JSON values."""
    from alerting.routing.masking import masked_address
    from alerting.routing.tree import explained, reason, told
    from alerting.severity import why_severe

    def row(one: Destination) -> dict[str, Any]:
        address = one.recipient.address
        return {
            "receiver": one.receiver,
            "channel": one.channel,
            "recipient": address if show_addresses else masked_address(one.channel, address),
            "fingerprint": one.recipient.fingerprint(one.channel),
            "locale": one.recipient.locale,
            "template": one.template,
            "group_by": list(one.grouping.by),
            "group_interval_s": one.grouping.interval_s,
            "group": f"{', '.join(one.grouping.by) or 'all together'} in {one.grouping.interval_s:g} s",
            "route": one.route,
        }

    result = told(rules, alert)
    return {
        "severity": alert.severity,
        "severity_why": why_severe(alert, rules.severities),
        "told": [row(one) for one in result.destinations],
        "untold": [asdict(one) for one in result.untold],
        "repeated": [row(one) for one in result.repeated],
        "routes": [
            {
                "route": asked.route.path,
                "line": asked.route.place.line,
                "receiver": asked.route.receiver,
                "outcome": asked.outcome,
                "why": reason(asked, alert),
            }
            for asked in explained(rules, alert)
        ],
    }


def _print(shown: dict[str, Any]) -> None:
    _say(f"severity: {shown['severity']} ({shown['severity_why']})")
    _table("told", shown["told"], ("receiver", "channel", "recipient", "locale", "template", "group", "route"))
    if shown["untold"]:
        _table("cannot be told", shown["untold"], ("receiver", "channel", "reason", "route"))
    if shown["repeated"]:
        _table("told already", shown["repeated"], ("receiver", "channel", "recipient", "route"))
    _table("routes", shown["routes"], ("route", "line", "receiver", "outcome", "why"))


def _table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    table = open_table(title)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    print_table(table)


def _counts(rules: Rules) -> str:
    return f"receivers: {len(rules.receivers)}, severities: {len(rules.severities)}"


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)
