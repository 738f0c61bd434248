"""The one settings object, composed of the packages' sections: defaults < file < environment < flags."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from alerting.settings import AlertSettings
from cli.secrets import SecretUnusable, is_secret_name, put_in, secret_names, taken_out
from stream.errors import Mendable
from stream.settings import HttpSettings, KafkaSettings, LogSettings, ModelSettings, ScorerSettings, TopicSettings

DEFAULT_FILE: Final = Path("fraud.toml")
_PREFIX: Final = "FRAUD_"
_MASK: Final = "********"
_OTHERS: Final = "alerts.others."
_ALERTS: Final = "alerts."
# Of alerts: what can be right by itself, and wrong together.
_HELD_AGAINST_EACH_OTHER: Final = frozenset({"life_s", "others"})
# Whose values stand in no error: they, or the half-written JSON of a section, may hold secrets and people.
_PRIVATE_NAME: Final = re.compile(r"^(kafka\.properties|alerts)\b|^\w+$")

Nested: TypeAlias = Mapping[str, Any]


class SettingsInvalid(Mendable):
    """The settings, from wherever they come, do not make sense together.

    Attributes:
        alerts: What of the section `alerts` could be read, since what it names can be wrong too; None where it is none.
        given: What was given in that section, by dotted name.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str,
        problems: Sequence[str] = (),
        alerts: AlertSettings | None = None,
        given: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(problem, remedy=remedy, problems=problems)
        self.alerts = alerts
        self.given = given


class Settings(BaseSettings):
    """Everything that can be set, typed. Built by `load_settings`, which merges where values come from."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    scorer: ScorerSettings = Field(default_factory=ScorerSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the signature is pydantic-settings')
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` passes, so that each value's origin is known."""
        return (init_settings,)


@dataclass(frozen=True)
class Loaded:
    """The settings in force.

    Attributes:
        settings: Typed and validated.
        origins: For each dotted name that is not at its default, where its value comes from.
    """

    settings: Settings
    origins: Mapping[str, str]


@dataclass(frozen=True)
class _Layer:
    origin: str
    values: Nested

    def says(self, name: str) -> str:
        """The origin of one value, as the user wrote it."""
        if self.origin != "environment":
            return self.origin
        parts = name.split(".")
        # A variable may hold a whole section as JSON.
        variables = (environment_name(".".join(parts[:length])) for length in range(len(parts), 0, -1))
        return f"environment {next((one for one in variables if one in os.environ), '')}".rstrip()


class _Environment(EnvSettingsSource):
    """pydantic-settings' environment, but for JSON that does not parse: validation names it with all the rest."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """The JSON value, or the text as it is."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def load_settings(config: Path | None = None, flags: Nested | None = None) -> Loaded:
    """Reads and checks all settings.

    Every secret S may stand in a file instead, which the setting S_file names.

    Args:
        config: A TOML file; None takes `fraud.toml` of the working directory where there is one.
        flags: What the command line sets, nested by section.

    Raises:
        SettingsInvalid: Lists everything that is wrong.
    """
    layers = [_file(config), _Layer("environment", _Environment(Settings)()), _Layer("flag", flags or {})]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        _merge(values, layer.values)
        origins |= {name: layer.says(name) for name in flatten(layer.values)}
    refused = _read_secrets(values, origins)
    problems = [*_unknown_variables(), *refused.values()]
    errors: list[dict[str, Any]] = []
    try:
        settings = Settings(**values)
    except ValidationError as refusal:
        errors = [dict(error) for error in refusal.errors(include_url=False)]
        problems += [_problem(error, origins) for error in errors if not _for_want_of(refused, error)]
    if problems:
        alerts = values.get("alerts", {})
        # A secret whose file could not be read was meant to be there all the same.
        given = {**flatten(values), **refused}
        raise SettingsInvalid(
            "; ".join(problems),
            remedy="mend them; `fraud config show` prints what is in force and from where",
            problems=problems,
            alerts=_readable_alerts(alerts, errors) if isinstance(alerts, Mapping) else None,
            given={name.removeprefix(_ALERTS): given[name] for name in given if name.startswith(_ALERTS)},
        )
    return Loaded(settings, origins)


def _readable_alerts(values: Nested, errors: Iterable[Mapping[str, Any]]) -> AlertSettings:
    """The section `alerts` without the parts in which something is wrong."""
    wrong = {error["loc"][1] for error in errors if error["loc"][0] == "alerts" and len(error["loc"]) > 1}
    for left_out in (wrong, wrong | _HELD_AGAINST_EACH_OTHER):
        try:
            return AlertSettings.model_validate({name: value for name, value in values.items() if name not in left_out})
        except ValidationError:
            continue
    return AlertSettings()


def environment_name(name: str) -> str:
    """The variable of a dotted name: `scorer.batch_size` is `FRAUD_SCORER__BATCH_SIZE`."""
    return _PREFIX + name.replace(".", "__").upper()


def flatten(values: Nested, prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted name."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def masked(name: str, value: object) -> object:
    """The value as it may be shown: secrets are masked, by type and by name."""
    if value is None or value in ("", [], {}):
        return value
    if isinstance(value, list | tuple):
        return [masked(name, item) for item in value]
    # Nobody knows which settings of another package's channel are secrets.
    return _MASK if isinstance(value, SecretStr) or is_secret_name(name) or name.startswith(_OTHERS) else value


def _file(config: Path | None) -> _Layer:
    path = config or DEFAULT_FILE
    if config is None and not path.exists():
        return _Layer("file", {})
    try:
        return _Layer(f"file {path}", tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as refusal:
        problem = f"settings file {str(path)!r} cannot be read ({refusal.strerror})"
        raise SettingsInvalid(problem, remedy="give the path of a TOML file to --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as refusal:
        # The parser quotes nothing of the file but places; a line may hold a secret.
        problem = f"settings file {str(path)!r} is not TOML ({refusal})"
        raise SettingsInvalid(problem, remedy="mend the file at that place") from None


def _merge(into: dict[str, Any], values: Nested) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = _copied(value)


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _read_secrets(values: dict[str, Any], origins: dict[str, str]) -> dict[str, str]:
    """Puts secrets in the place of their files' paths; for each that cannot be, by its dotted name, why not."""
    refused: dict[str, str] = {}
    for file in taken_out(values, secret_names(Settings)):
        origin = _origin_of(file.setting, origins)
        if file.rival:
            refused[file.secret] = (
                f"{file.secret}{_whence(_origin_of(file.secret, origins))} and {file.setting}{_whence(origin)} "
                "are both set: set one of them"
            )
            continue
        try:
            put_in(values, file.secret, file.read())
        except SecretUnusable as unusable:
            refused[file.secret] = f"{unusable}{_whence(origin)}"
        else:
            origins[file.secret] = f"file {file.path} ({origin})"
    return refused


def _for_want_of(secrets: Iterable[str], error: Mapping[str, Any]) -> bool:
    """Whether a section is found wrong that lacks one of these secrets, which is said already."""
    name = ".".join(str(part) for part in error["loc"])
    sections = {secret.rpartition(".")[0] for secret in secrets}
    return name in sections or name in secrets


def _origin_of(name: str, origins: Mapping[str, str]) -> str:
    """Where a setting comes from, or the first part of a section; empty where it is at its default."""
    return next((origins[key] for key in origins if name == key or key.startswith(f"{name}.")), "")


def _whence(origin: str) -> str:
    return f" (from {'the ' if origin.startswith('env') else ''}{origin})" if origin else ""


def _unknown_variables() -> list[str]:
    """Misspelt variables, which pydantic-settings passes over: it looks only for names that it knows."""
    sections = Settings.model_fields
    problems = []
    for variable in sorted(os.environ):
        if not variable.startswith(_PREFIX):
            continue
        name = variable.removeprefix(_PREFIX).lower()
        section, double, _ = name.partition("__")
        whence = f"{variable} (from the environment)"
        if double and section not in sections:
            problems.append(f"{whence}: there is no section {section!r}{_meant(section, sections)}")
        elif not double and name.partition("_")[0] in sections and name not in sections:
            meant = _PREFIX + name.replace("_", "__", 1).upper()
            problems.append(f"{whence}: there is no such setting; did you mean {meant!r}?")
    return problems


def _problem(error: dict[str, Any], origins: Mapping[str, str]) -> str:
    path = [str(part) for part in error["loc"]]
    name = ".".join(path)
    whence = _whence(_origin_of(name, origins))
    if error["type"] == "extra_forbidden":
        return f"{name}{whence}: there is no such setting"
    if error["type"] == "missing":
        return f"{name} is missing (set {environment_name(name)})"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    shown = not (_PRIVATE_NAME.search(name) or is_secret_name(name))
    if isinstance(value, str | int | float) and shown:
        return f"{name} = {json.dumps(value)}{whence}: {message}"
    return f"{name or 'settings'}{whence}: {message}"


def _meant(word: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
