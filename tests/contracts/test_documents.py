"""The contracts' documents: generated, whole, and what the code says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import msgspec
import pytest

from stream.contracts import ModelRef, Reason, Ruling, Source, Verdict
from stream.schemas import documents

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"

# A verdict as version 1 wrote it on the first day: every later reader of version 1 must read it.
FIRST_VERDICT = b"""{"transaction_id":"t-1","account_id":"a-7","event_time":"2026-01-31T12:00:00+01:00","amount":12.5,
"currency":"EUR","verdict":"fraud","fraud_probability":0.97,"threshold":0.5,"model":{"name":"ulb","version":"0123456789ab"},
"source":{"topic":"transactions","partition":3,"offset":41},"scored_at":"2026-01-31T11:00:01Z"}"""


@pytest.mark.parametrize("name", documents())
def test_the_documents_are_what_the_types_say(name: str) -> None:
    written = (FOLDER / name).read_text()

    assert written == documents()[name], "run `make contracts`"


@pytest.mark.parametrize("name", [name for name in documents() if name.endswith(".schema.json")])
def test_the_schemas_are_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text()))


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = json.loads((FOLDER / "asyncapi.json").read_text())
    references: list[str] = []

    def collect(node: object) -> None:
        if isinstance(node, dict):
            references.extend(value for key, value in node.items() if key == "$ref")
            for value in node.values():
                collect(value)

    collect(document)
    for reference in references:
        if reference.startswith("#/"):
            found = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
        else:
            assert (FOLDER / reference).is_file()
    assert len(references) >= 9


def test_the_first_verdict_is_still_read_and_still_valid() -> None:
    assert msgspec.json.decode(FIRST_VERDICT, type=Verdict) == Verdict(
        transaction_id="t-1",
        account_id="a-7",
        event_time=datetime(2026, 1, 31, 11, tzinfo=UTC),
        amount=12.5,
        currency="EUR",
        verdict=Ruling.FRAUD,
        fraud_probability=0.97,
        threshold=0.5,
        model=ModelRef("ulb", "0123456789ab"),
        source=Source("transactions", 3, 41),
        scored_at=datetime(2026, 1, 31, 11, 0, 1, tzinfo=UTC),
    )
    jsonschema.validate(json.loads(FIRST_VERDICT), json.loads((FOLDER / "verdict.schema.json").read_text()))


def test_reasons_are_read_and_valid_and_none_where_a_verdict_came_before_them() -> None:
    known = b'{"feature":"amount","value":12.5,"contribution":0.6}'
    missing = b'{"feature":"V1","value":null,"contribution":0.1}'
    later = FIRST_VERDICT.replace(b"{", b'{"reasons":[' + known + b"," + missing + b"],", 1)

    assert msgspec.json.decode(FIRST_VERDICT, type=Verdict).reasons == ()
    assert msgspec.json.decode(later, type=Verdict).reasons == (Reason("amount", 12.5, 0.6), Reason("V1", None, 0.1))
    jsonschema.validate(json.loads(later), json.loads((FOLDER / "verdict.schema.json").read_text()))


def test_a_reader_ignores_fields_that_a_later_version_adds() -> None:
    later = FIRST_VERDICT.replace(b"{", b'{"colour":["red"],', 1)

    assert msgspec.json.decode(later, type=Verdict).transaction_id == "t-1"
