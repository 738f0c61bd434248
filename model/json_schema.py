"""Contracts as documents: the JSON Schema of a type, and its file."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Final

import msgspec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def value_schema(contract: type | UnionType, version: str) -> dict[str, Any]:
    """The JSON Schema of a msgspec Struct's JSON, or of one of several."""
    return {"$schema": DIALECT, "x-schema-version": version, **_unindented(msgspec.json.schema(contract))}


def as_text(written: Mapping[str, object]) -> dict[str, str]:
    """Documents as they stand in their files."""
    return {name: json.dumps(document, indent=2) + "\n" for name, document in written.items()}


def write_documents(folder: Path, texts: Mapping[str, str]) -> None:
    """Writes every document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)


def _unindented(schema: Any) -> Any:
    """Descriptions are docstrings, whose indentation depends on the Python that reads them."""
    if isinstance(schema, dict):
        return {
            name: inspect.cleandoc(value) if name == "description" and isinstance(value, str) else _unindented(value)
            for name, value in schema.items()
        }
    return [_unindented(item) for item in schema] if isinstance(schema, list) else schema
