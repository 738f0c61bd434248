"""`fraud alerts render`: what would be said, before anybody is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.alert_settings import alert_settings_for_trying
from cli.console import note
from cli.options import ConfigOption, JsonOption, SetOption
from cli.verdict_files import VerdictOption, read_verdict
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.facts import Links
    from alerting.settings import AlertSettings

_USUAL: Final = ("sms", "email", "webhook")
# As long as one that is used.
_CODE: Final = "K7QF2MXA9B7T3"


class RenderUnclear(Mendable):
    """What was asked for contradicts itself, or does not exist."""


def render(
    verdict: VerdictOption = None,
    template: Annotated[str, typer.Option(help="Whom it speaks to: analyst, holder, or a bank's own.")] = "analyst",
    locale: Annotated[str, typer.Option(help="The reader's language.")] = "en",
    channel: Annotated[
        str | None,
        typer.Option(
            help="What to print: sms, email, html (a mail's other form), webhook, sns, slack, pagerduty, or one of "
            "alerts.others.",
            show_default="sms, email and webhook",
        ),
    ] = None,
    severity: Annotated[str, typer.Option(help="The band that it is said to fall in.")] = "high",
    digest: Annotated[bool, typer.Option("--digest", help="Of a digest that never was, instead of an alert.")] = False,
    link: Annotated[
        bool | None,
        typer.Option("--link/--no-link", help="With a link to answer by.", show_default="as the settings have it"),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A bank's own templates.", show_default="the settings' alerts.templates"),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    assignments: SetOption = None,
) -> None:
    """Print what would be said of a verdict; nobody is told. Status 2 where a template is wrong, which stderr names."""
    if digest and verdict is not None:
        raise RenderUnclear("--digest and --verdict are both given", remedy="give one of them")
    settings = alert_settings_for_trying(config, assignments)

    import msgspec

    from alerting.alert import Alert
    from alerting.bodies import FORMS, channels_to_show, form_of
    from alerting.errors import Flaws
    from alerting.rendering import Renderer, TemplateFailure
    from alerting.routing.rules import HOLDER
    from alerting.specimens import USUAL_ALERT, USUAL_DIGEST
    from stream.contracts import Ruling

    flaws, tried = Flaws(), USUAL_ALERT.verdict
    failures: list[TemplateFailure] = []
    renderer = Renderer(templates or settings.templates, on_failure=failures.append)
    with flaws.noted():
        tried = tried if verdict is None else read_verdict(verdict)
        if tried.verdict is not Ruling.FRAUD:
            raise RenderUnclear("the verdict is legitimate, and nobody is told of it", remedy="give one of a fraud")
    with flaws.noted():
        _require(template, renderer.templates, "template", "or --templates")
    with flaws.noted():
        _require(channel or "sms", channels_to_show(settings), "channel", "or configure it in alerts.others")
    flaws.require_none()
    problems = renderer.problems()
    for problem in problems:
        note(problem)
    links = _links(settings, link=link, is_holder=template == HOLDER)
    if digest:
        content = renderer.render_digest(USUAL_DIGEST, template=template, locale=locale, links=links)
    else:
        content = renderer.render_alert(Alert(tried, severity), template=template, locale=locale, links=links)
    if as_json:
        told = {"subject": content.subject, "sms": content.short, "text": content.text, "html": content.html}
        typer.echo(msgspec.json.encode({**told, "payload": msgspec.Raw(content.payload)}).decode())
    elif channel is not None:
        typer.echo(form_of(channel, content, settings, severity=severity, digest=digest))
    else:
        for name in _USUAL:
            typer.echo(f"--- {name}\n{FORMS[name](content)}\n")
    if problems or failures:
        raise typer.Exit(2)


def _require(name: str, known: frozenset[str] | tuple[str, ...], what: str, otherwise: str) -> None:
    if name not in known:
        listed = ", ".join(sorted(known))
        raise RenderUnclear(f"there is no {what} '{name}'", remedy=f"give one of {listed}, {otherwise}")


def _links(settings: AlertSettings, *, link: bool | None, is_holder: bool) -> Links:
    """Those of an analyst's notice; the token and the code in it are none."""
    from alerting.acknowledging import link as linked
    from alerting.acknowledging import short_link
    from alerting.facts import Links
    from alerting.reply_codes import understood

    acknowledge = settings.acknowledge
    if is_holder or not (acknowledge is not None if link is None else link):
        return Links()
    base_url = "https://alerts.bank.example" if acknowledge is None else acknowledge.base_url
    code = understood(_CODE)
    assert code is not None
    return Links(linked(base_url, "T"), code.spaced, short_link(base_url, code))
