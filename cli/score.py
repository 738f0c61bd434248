"""`fraud score`: a member of the scoring group."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import BootstrapOption, ConfigOption, SetOption, read_settings
from cli.registering import RegistryOption, followed_model, model_directory, verifier_of, with_registry
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
    slot: Annotated[
        int | None, typer.Option("--slot", help="Which worker of the group this is.", show_default=False)
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Records at most in a batch.", show_default=False)] = None,
    batch_wait_ms: Annotated[
        int | None, typer.Option(help="How long a record waits for others at most.", show_default=False)
    ] = None,
    registry: RegistryOption = None,
    bootstrap_servers: BootstrapOption = None,
    config: ConfigOption = None,
    assignments: SetOption = None,
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

    # Heavy, and of no use where the settings are wrong.
    from model.versions.loading import load_scorer
    from stream.process import score_stream

    score_stream(
        load_scorer(model_directory(settings.scorer.model, settings.model), verifier=verifier_of(settings.model)),
        kafka=settings.kafka,
        topics=settings.topics,
        settings=settings.scorer,
        http=settings.http,
        stop=stop,
        followed=followed_model(settings.scorer.model, settings.model),
    )
