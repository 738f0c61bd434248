"""Secrets among the settings: which they are, and those that stand in files of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, SecretStr

_FILE: Final = "_file"
_ANY: Final = ".*"
_SECRET_NAME: Final = re.compile(r"password|secret|token|credential|\bkey\b|\.key$|\.pem$|jaas", re.IGNORECASE)
_NAMES_A_FILE: Final = (".location", ".file")


class SecretUnusable(Exception):
    """A file holds no secret, or cannot be read."""


@dataclass(frozen=True)
class SecretFile:
    """A setting that stands in for a secret: the path of the file that holds it.

    Attributes:
        secret: The secret's dotted name.
        path: As the user gave it.
        rival: Whether the secret itself is set as well.
    """

    secret: str
    path: object
    rival: bool

    @property
    def setting(self) -> str:
        """Dotted name of the setting that gives the path."""
        return f"{self.secret}{_FILE}"

    def read(self) -> SecretStr:
        """The file's content, without the newline that editors and `echo` put at the end.

        Raises:
            SecretUnusable: Names setting and path and says why, without the content.
        """
        if not isinstance(self.path, str):
            raise SecretUnusable(f"{self.setting} is no path")
        where = f"{self.setting} = {json.dumps(self.path)}"
        try:
            # As bytes: reading as text would turn a carriage return within the secret into a newline.
            text = Path(self.path).read_bytes().decode()
        except OSError as refusal:
            raise SecretUnusable(f"{where} cannot be read ({refusal.strerror})") from None
        except UnicodeDecodeError:
            raise SecretUnusable(f"{where} is not UTF-8") from None
        secret = text.removesuffix("\n").removesuffix("\r")
        if not secret:
            raise SecretUnusable(f"{where} is empty")
        return SecretStr(secret)


def secret_names(section: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all secrets of a section and of those within it; `name.*` for secrets that the user names."""
    names: list[str] = []
    for field, about in section.model_fields.items():
        is_mapping = get_origin(about.annotation) is dict
        for kind in _classes_in(about.annotation):
            if issubclass(kind, SecretStr):
                names.append(f"{prefix}{field}{_ANY if is_mapping else ''}")
            elif issubclass(kind, BaseModel):
                names += secret_names(kind, f"{prefix}{field}.")
    return names


def is_secret_name(name: str) -> bool:
    """Whether a setting without a type, such as a property of librdkafka's, is called as a secret is."""
    return bool(_SECRET_NAME.search(name)) and not name.endswith(_NAMES_A_FILE)


def taken_out(values: dict[str, Any], secrets: list[str]) -> list[SecretFile]:
    """Takes the paths of secrets' files out of nested settings.

    Args:
        values: The settings as the user gave them, by section.
        secrets: Dotted names of all secrets.
    """
    found = []
    for secret in secrets:
        *sections, name = secret.split(".")
        section = _section(values, sections)
        if section is None:
            continue
        names = [one.removesuffix(_FILE) for one in section if one.endswith(_FILE)] if f".{name}" == _ANY else [name]
        found += [
            SecretFile(".".join([*sections, one]), section.pop(f"{one}{_FILE}"), rival=one in section)
            for one in names
            if f"{one}{_FILE}" in section
        ]
    return found


def put_in(values: dict[str, Any], name: str, secret: SecretStr) -> None:
    """Sets a secret in nested settings that have its section."""
    *sections, field = name.split(".")
    section = _section(values, sections)
    assert section is not None
    section[field] = secret


def _section(values: dict[str, Any], sections: list[str]) -> dict[str, Any] | None:
    """The innermost of the sections; None where it is not there, or no section."""
    inner: Any = values
    for section in sections:
        inner = inner.get(section) if isinstance(inner, Mapping) else None
    return inner if isinstance(inner, dict) else None


def _classes_in(annotation: Any) -> Iterator[type]:
    """The classes of an optional or annotated type."""
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _classes_in(part)
