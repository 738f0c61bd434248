"""`fraud alerts render`: what would be said, before anybody is told."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err
from cli.options import JsonOption
from cli.verdict_files import VerdictOption, read_verdict
from stream.errors import Mendable

if TYPE_CHECKING:
    from alerting.messages import Content
    from alerting.rendering import Renderer


class Medium(StrEnum):
    """What is read where."""

    SMS = "sms"
    EMAIL = "email"
    HTML = "html"
    WEBHOOK = "webhook"


class RenderUnclear(Mendable):
    """What was asked for contradicts itself, or does not exist."""


def render(
    verdict: VerdictOption = None,
    template: Annotated[str, typer.Option(help="Whom it speaks to: analyst, holder, or a bank's own.")] = "analyst",
    locale: Annotated[str, typer.Option(help="The reader's language.")] = "en",
    channel: Annotated[
        Medium | None, typer.Option(help="What to print; html is a mail's other form.", show_default="all but html")
    ] = None,
    severity: Annotated[str, typer.Option(help="The band that it is said to fall in.")] = "high",
    digest: Annotated[bool, typer.Option("--digest", help="Of a digest that never was, instead of an alert.")] = False,
    templates: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A bank's own templates.", show_default="the shipped ones")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what would be said of a verdict. Nobody is told; what is wrong with the templates goes to stderr."""
    if digest and verdict is not None:
        raise RenderUnclear("--digest and --verdict are both given", remedy="give one of them")
    ruled = None if verdict is None else read_verdict(verdict)

    import msgspec

    from alerting.alert import Alert
    from alerting.rendering import Renderer
    from alerting.specimens import USUAL_ALERT, USUAL_DIGEST

    renderer = Renderer(templates)
    if template not in renderer.templates:
        known = ", ".join(sorted(renderer.templates))
        raise RenderUnclear(f"there is no template '{template}'", remedy=f"give one of {known}, or --templates")
    _say_problems(renderer)
    if digest:
        content = renderer.render_digest(USUAL_DIGEST, template=template, locale=locale)
    else:
        alert = Alert(ruled or USUAL_ALERT.verdict, severity)
        content = renderer.render_alert(alert, template=template, locale=locale)
    if as_json:
        told = {"subject": content.subject, "sms": content.short, "text": content.text, "html": content.html}
        typer.echo(msgspec.json.encode({**told, "payload": msgspec.Raw(content.payload)}).decode())
    else:
        _print(content, channel)


def _say_problems(renderer: Renderer) -> None:
    for problem in renderer.problems():
        err.print(f"note: {problem}", markup=False, highlight=False, soft_wrap=True)


def _print(content: Content, channel: Medium | None) -> None:
    if channel is Medium.HTML:
        typer.echo(content.html or "")
        return
    texts = {
        Medium.SMS: content.short,
        Medium.EMAIL: f"Subject: {content.subject}\n\n{content.text}".rstrip("\n"),
        Medium.WEBHOOK: content.payload.decode(),
    }
    if channel is not None:
        typer.echo(texts[channel])
        return
    for medium, text in texts.items():
        typer.echo(f"--- {medium}\n{text}\n")
