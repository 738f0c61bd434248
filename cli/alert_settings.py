"""The settings of alerts; where they are wrong, what is wrong with the files that they name is said with it."""

from __future__ import annotations

from pathlib import Path

from cli.options import read_settings
from cli.settings import Settings, SettingsInvalid


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
        Mendable: Lists everything that is wrong with the settings, and, where anything is, with routing file, accounts
            file and templates, as far as that can be said without settings.
    """
    try:
        return read_settings(config, assignments, bootstrap_servers)
    except SettingsInvalid as refusal:
        from alerting.errors import all_of
        from alerting.preparing import flaws_of_files

        files = refusal.files
        flaws = flaws_of_files(
            routes or files.get("alerts.routes"), files.get("alerts.accounts"), files.get("alerts.templates")
        )
        if not flaws:
            raise
        raise all_of([refusal, *flaws]) from None
