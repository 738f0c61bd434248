"""The settings of alerts; where they are wrong, what is wrong with all that they name is said with it."""

from __future__ import annotations

from pathlib import Path

from alerting.settings import AlertSettings
from cli.console import note
from cli.options import read_settings
from cli.settings import Settings, SettingsInvalid
from stream.errors import Mendable


def read_alert_settings(
    config: Path | None,
    assignments: list[str] | None,
    bootstrap_servers: str | None = None,
    *,
    routes: Path | None = None,
) -> Settings:
    """As `read_settings`.

    Args:
        config: As there.
        assignments: As there.
        bootstrap_servers: As there.
        routes: A routing file in place of the settings'.

    Raises:
        Mendable: Lists everything that is wrong with the settings, and, where anything is, with channels, routing file,
            accounts file and templates, as far as that can be said by the settings that could be read.
    """
    try:
        settings = read_settings(config, assignments, bootstrap_servers)
    except SettingsInvalid as refusal:
        from alerting.errors import all_of

        raise all_of([refusal, *_flaws_besides(refusal, routes)]) from None
    return settings if routes is None else _with_routes(settings, routes)


def alert_settings_for_trying(config: Path | None, assignments: list[str] | None) -> AlertSettings:
    """What of the section `alerts` can be read, for commands that tell nobody: secrets may stand elsewhere.

    What is wrong with the settings is noted on stderr.
    """
    try:
        return read_settings(config, assignments).alerts
    except SettingsInvalid as refusal:
        for problem in refusal.problems:
            note(f"settings: {problem}")
        return refusal.alerts or AlertSettings()


def _flaws_besides(refusal: SettingsInvalid, routes: Path | None) -> list[Mendable]:
    if refusal.alerts is None:
        return []
    from alerting.preparing import flaws_of

    alerts = refusal.alerts if routes is None else refusal.alerts.model_copy(update={"routes": routes})
    return flaws_of(alerts, refusal.given)


def _with_routes(settings: Settings, routes: Path) -> Settings:
    return settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"routes": routes})})
