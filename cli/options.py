"""Options that several commands share, and what they become: settings with logging set up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.console import configure_logging
from cli.secrets import is_secret_name, secret_names
from cli.settings import Loaded, Settings, environment_name, flatten, load_settings
from stream.errors import Mendable
from stream.security import PROPERTIES

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file (TOML).", show_default="fraud.toml, where there is one")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any setting, such as scorer.batch_size=200.")
]
BootstrapOption = Annotated[
    str | None, typer.Option("--bootstrap-servers", metavar="HOST:PORT", help="Where Kafka is.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


_OF_THE_CLIENT: Final = "kafka.properties."


class FlagInvalid(Mendable):
    """`--set` without a name and a value."""


class SecretExposed(Mendable):
    """A secret in the arguments, which every user of the machine can list."""


def read_settings(
    config: Path | None, assignments: list[str] | None, bootstrap_servers: str | None = None, **scorer: object
) -> Settings:
    """The settings in force for a command; logging follows them.

    Raises:
        SettingsInvalid: Lists everything that is wrong.
        FlagInvalid: An assignment is not NAME=VALUE.
        SecretExposed: An assignment is of a secret.
    """
    loaded = load_layers(config, assignments, bootstrap_servers, **scorer)
    configure_logging(loaded.settings.log)
    return loaded.settings


def load_layers(
    config: Path | None, assignments: list[str] | None, bootstrap_servers: str | None = None, **scorer: object
) -> Loaded:
    """As `read_settings`, with the origins, and leaving logging alone."""
    flags: dict[str, Any] = {}
    for assignment in assignments or ():
        name, equals, value = assignment.partition("=")
        section, dot, field = name.partition(".")
        if not equals or not dot:
            raise FlagInvalid("--set takes NAME=VALUE with a dotted name", remedy="write, say, scorer.batch_size=200")
        _assign(flags, _path_of(section, field), _value_of(value))
    _keep_secrets_out(flags)
    if bootstrap_servers is not None:
        _assign(flags, ["kafka", "bootstrap_servers"], bootstrap_servers)
    for field, given in scorer.items():
        if given is not None:
            _assign(flags, ["scorer", field], given)
    return load_settings(config, flags)


def _keep_secrets_out(flags: dict[str, Any]) -> None:
    typed = secret_names(Settings)
    secrets = [
        name
        for name in flatten(flags)
        if name in typed or (name.startswith(_OF_THE_CLIENT) and is_secret_name(name.removeprefix(_OF_THE_CLIENT)))
    ]
    if secrets:
        raise SecretExposed(
            f"--set would show {', '.join(secrets)} to everybody who lists processes",
            remedy="; ".join(dict.fromkeys(map(_place_of, secrets))),
        )


def _place_of(secret: str) -> str:
    """Where a secret may stand, in words."""
    property_name = secret.removeprefix(_OF_THE_CLIENT)
    setting = next((f"kafka.{name}" for name, said in PROPERTIES.items() if property_name in said), secret)
    if setting not in secret_names(Settings):
        return f"put {property_name} into FRAUD_KAFKA__PROPERTIES or the settings file"
    variable = environment_name(setting)
    return f"set {variable}_FILE to the path of a file that holds it, or {variable}"


def _path_of(section: str, field: str) -> list[str]:
    """librdkafka's own properties have dots in their names."""
    kind, dot, name = field.partition(".")
    if (section, kind, dot) == ("kafka", "properties", "."):
        return [section, kind, name]
    return [section, *field.split(".")]


def _value_of(text: str) -> Any:
    """Objects and lists are written as JSON, everything else as it is; validation names what is neither."""
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _assign(flags: dict[str, Any], path: list[str], value: object) -> None:
    *sections, field = path
    for section in sections:
        flags = flags.setdefault(section, {})
    flags[field] = value
