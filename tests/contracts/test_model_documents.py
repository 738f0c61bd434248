"""The contracts of a model directory: generated, whole, what the code says, and what it once said is still read."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from model.schemas import documents
from model.versions.manifest import parse_manifest

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"

# As format version 2 wrote it on the first day: every later reader of version 2 must read it, and find it whole.
FIRST_MANIFEST = Path(__file__).with_name("model-manifest-2.json").read_bytes()


@pytest.mark.parametrize("name", documents())
def test_the_documents_are_what_the_types_say(name: str) -> None:
    assert (FOLDER / name).read_text() == documents()[name], "run `make contracts`"


@pytest.mark.parametrize("name", documents())
def test_the_schemas_are_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text()))


def test_the_first_manifest_is_still_read_and_still_valid() -> None:
    manifest = parse_manifest(FIRST_MANIFEST, source="model-manifest-2.json")

    assert (manifest.name, manifest.version) == ("small", "61eebbf6495f")
    assert [one.name for one in manifest.inputs] == ["amount", "risk", "noise"]
    assert manifest.training.learnt_from.rows == 480
    assert manifest.signature is not None
    jsonschema.validate(json.loads(FIRST_MANIFEST), json.loads((FOLDER / "model-manifest.schema.json").read_text()))
