"""`fraud score`: a member of the scoring group, or several under a supervisor."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Annotated, Any

import structlog
import typer

from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from cli.registering import RegistryOption, followed_model, model_directory, verifier_of, with_registry
from cli.settings import Settings
from cli.stopping import stop_on_signals
from stream.errors import Mendable


class ModelNotNamed(Mendable):
    """No model to score with."""


def score(
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Directory that `fraud train` wrote, or a name in the registry.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes, one a core: more than one are supervised, in slots of their own.")
    ] = 1,
    slot: Annotated[
        int | None,
        typer.Option("--slot", help="Which worker of the group this is, or the first of several.", show_default=False),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Records at most in a batch.", show_default=False)] = None,
    batch_wait_ms: Annotated[
        int | None, typer.Option(help="How long a record waits for others at most.", show_default=False)
    ] = None,
    registry: RegistryOption = None,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
) -> None:
    """Score the live stream: one verdict for each transaction, exactly once."""
    settings = read_settings(
        config,
        with_registry(assignments, registry),
        bootstrap_servers,
        model=model,
        slot=slot,
        batch_size=batch_size,
        batch_wait_ms=batch_wait_ms,
    )
    if settings.scorer.model is None:
        raise ModelNotNamed(
            "no model to score with", remedy="give --model DIR, as `fraud train` wrote it, or NAME of the registry"
        )
    stop = stop_on_signals()
    if workers == 1:
        _work(settings, settings.scorer.model, stop, supervised=supervised)
        return
    given = {
        "--model": model,
        "--batch-size": batch_size,
        "--batch-wait-ms": batch_wait_ms,
        "--registry": registry,
        "--bootstrap-servers": bootstrap_servers,
        "--config": config,
    }
    # Each answers where its supervisor alone asks.
    options = [
        *(str(part) for option, value in given.items() if value is not None for part in (option, value)),
        *(part for one in (*(assignments or ()), "http.host=127.0.0.1", "http.port=0") for part in ("--set", one)),
    ]
    first = settings.scorer.slot

    from stream.crew import supervise

    supervise(
        range(first, first + workers),
        lambda slot: ["score", "--supervised", "--slot", str(slot), *options],
        module="cli.main",
        http=settings.http,
        stop=stop,
    )


def _work(settings: Settings, model: str, stop: threading.Event, *, supervised: bool) -> None:
    # Heavy, and of no use where the settings are wrong.
    from model.versions.loading import load_scorer
    from stream.lifeline import end_with_supervisor, endings_told, say_listening
    from stream.process import score_stream

    if supervised:
        _mark_lines(slot=settings.scorer.slot)
        end_with_supervisor(stop)
    with endings_told() if supervised else nullcontext():
        score_stream(
            load_scorer(model_directory(model, settings.model), verifier=verifier_of(settings.model)),
            kafka=settings.kafka,
            topics=settings.topics,
            settings=settings.scorer,
            http=settings.http,
            stop=stop,
            followed=followed_model(model, settings.model),
            listening=say_listening if supervised else None,
        )


def _mark_lines(**marks: object) -> None:
    """Puts marks on every line that is logged from now on: several processes write to one stderr."""

    def mark(_: object, __: str, line: Any) -> Any:
        return {**marks, **line}

    structlog.configure(processors=[mark, *structlog.get_config()["processors"]])
