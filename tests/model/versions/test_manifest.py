"""The manifest: what its version and digest cover, and that nothing else is taken for one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from model.errors import Mendable
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    PIPELINE_FILE,
    SERVING_FILE,
    File,
    Input,
    Manifest,
    ModelDamaged,
    ModelDigestMismatch,
    ModelFormatUnknown,
    Signature,
    parse_manifest,
    read_manifest,
)
from tests.harness.small_model import SmallModel
from tests.model.conftest import edit_manifest

OTHER_FILE = File(sha256="0" * 64, bytes=1)


@pytest.fixture(scope="module")
def manifest(trained: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return trained.save(tmp_path_factory.mktemp("models") / "model")


def manifest_or_refusal(content: bytes) -> Manifest | Mendable:
    try:
        return parse_manifest(content, source="m.json")
    except Mendable as refusal:
        return refusal


def fields_of(manifest: Manifest) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(manifest.encoded())
    return fields


def resealed(fields: dict[str, Any]) -> bytes:
    """As any program in any language could write it, which knows what the digest covers."""
    covered = {name: value for name, value in fields.items() if name not in {"digest", "signature"}}
    digest = hashlib.sha256(msgspec.json.encode(covered, order="deterministic")).hexdigest()
    return json.dumps({**fields, "digest": digest}).encode()


def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert parse_manifest(manifest.encoded(), source="m") == manifest
    assert (len(manifest.version), len(manifest.digest)) == (12, 64)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "other"),
        ("inputs", (Input("amount", "float64"),)),
        ("calendar", ()),
        ("threshold", 0.99),
        ("thresholds", {"f1": 0.4}),
        ("seed", 8),
    ],
)
def test_another_verdict_is_another_version(field: str, value: object, manifest: Manifest) -> None:
    other: Manifest = msgspec.structs.replace(manifest, **{field: value}).sealed()

    assert other.version != manifest.version


def test_another_recipe_is_another_version(manifest: Manifest) -> None:
    recipe = msgspec.structs.replace(manifest.recipe, trees=13)

    assert msgspec.structs.replace(manifest, recipe=recipe).sealed().version != manifest.version


@pytest.mark.parametrize("name", [SERVING_FILE, GOLDEN_FILE, PIPELINE_FILE])
def test_another_decisive_file_is_another_version(name: str, manifest: Manifest) -> None:
    other = msgspec.structs.replace(manifest, files={**manifest.files, name: OTHER_FILE}).sealed()

    assert other.version != manifest.version


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created_at", datetime(2027, 1, 1, tzinfo=UTC)),
        ("code_revision", "another"),
        ("libraries", {}),
        ("metrics", {}),
        ("data_fingerprint", "another"),
    ],
)
def test_what_decides_no_verdict_changes_the_digest_alone(field: str, value: object, manifest: Manifest) -> None:
    other: Manifest = msgspec.structs.replace(manifest, **{field: value}).sealed()

    assert other.version == manifest.version
    assert other.digest != manifest.digest


def test_another_report_changes_the_digest_alone(manifest: Manifest) -> None:
    other = msgspec.structs.replace(manifest, files={**manifest.files, "report.html": OTHER_FILE}).sealed()

    assert other.version == manifest.version
    assert other.digest != manifest.digest


def test_a_signature_changes_neither_and_sealing_drops_it(manifest: Manifest) -> None:
    signed: Manifest = msgspec.structs.replace(manifest, signature=Signature(key_id="k", value="v"))

    assert parse_manifest(signed.encoded(), source="m") == signed
    assert signed.sealed() == manifest


@pytest.mark.parametrize(
    "fields",
    [
        {"threshold": 0.999},
        {"threshold": "high"},
        {"name": "other"},
        {"version": "000000000000"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"metrics": {}},
        {"files": {}},
        {"files": []},
        {"libraries": {}},
        {"code_revision": "x"},
        {"more": "none"},
        {"digest": "0" * 64},
        {"digest": None},
    ],
)
def test_an_edited_manifest_is_noticed(fields: dict[str, object], saved: Path) -> None:
    edit_manifest(saved, **fields)

    with pytest.raises(ModelDigestMismatch, match=MANIFEST_FILE):
        read_manifest(saved)


def test_a_version_that_is_not_of_its_content_is_noticed_whatever_the_digest(manifest: Manifest) -> None:
    forged = resealed({**fields_of(manifest), "version": "000000000000"})

    with pytest.raises(ModelDigestMismatch):
        parse_manifest(forged, source="m")


def test_a_manifest_that_is_only_laid_out_anew_is_the_same(saved: Path) -> None:
    before = read_manifest(saved)
    edit_manifest(saved)

    assert read_manifest(saved) == before


def test_a_manifest_from_before_a_field_with_a_default_is_still_whole(manifest: Manifest) -> None:
    fields = fields_of(manifest)
    del fields["training"]["options"]

    older = parse_manifest(resealed(fields), source="m")

    assert older.training.options == {}
    assert older.version == manifest.version


def test_a_manifest_of_a_later_version_of_the_product_is_not_called_altered(manifest: Manifest) -> None:
    with pytest.raises(ModelFormatUnknown, match="later_field"):
        parse_manifest(resealed({**fields_of(manifest), "later_field": 1}), source="m")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", ".hidden", "a/b", ""])
def test_a_file_name_that_leads_elsewhere_is_refused(name: str, manifest: Manifest) -> None:
    fields = fields_of(manifest)
    fields["files"][name] = {"sha256": "0" * 64, "bytes": 1}

    with pytest.raises(ModelFormatUnknown, match="files"):
        parse_manifest(resealed(fields), source="m")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ModelDamaged),
        (b'{"format": "fraudstream-model", "format_ver', ModelDamaged),
        (b"\xff\xfe", ModelDamaged),
        (b'{"format": "fraudstream-model", "format_version": 2, "name": "\xe4"}', ModelDamaged),
        (b"[]", ModelFormatUnknown),
        (b"{}", ModelFormatUnknown),
        (b'{"name": "a web application", "icons": []}', ModelFormatUnknown),
        (b'{"format": "fraudstream-model", "format_version": 3}', ModelFormatUnknown),
        (b'{"format": "other-model", "format_version": 2}', ModelFormatUnknown),
        (b'{"format": "fraudstream-model", "format_version": 2}', ModelDigestMismatch),
        (b'{"format": "fraudstream-model", "format_version": 2, "threshold": 1e999}', ModelDigestMismatch),
    ],
)
def test_a_manifest_that_is_none_is_refused(content: bytes, error: type[Mendable], saved: Path) -> None:
    (saved / MANIFEST_FILE).write_bytes(content)

    with pytest.raises(error, match=MANIFEST_FILE):
        read_manifest(saved)


def test_a_model_of_the_first_format_is_to_be_trained_again(saved: Path) -> None:
    (saved / MANIFEST_FILE).write_text('{"format": "fraudstream-model", "format_version": 1, "name": "small"}')

    with pytest.raises(ModelFormatUnknown, match=r"version 1, known is .* version 2: train again"):
        read_manifest(saved)


def test_a_manifest_that_is_cut_off_anywhere_is_refused(saved: Path) -> None:
    whole = (saved / MANIFEST_FILE).read_bytes()

    for length in range(0, len(whole.rstrip()), 97):
        (saved / MANIFEST_FILE).write_bytes(whole[:length])
        with pytest.raises(ModelDamaged, match=MANIFEST_FILE):
            read_manifest(saved)


@pytest.mark.parametrize("header", [b"", b'"format": "fraudstream-model", "format_version": 2, '])
@pytest.mark.parametrize("field", [b"x", b"metrics", b"format"])
def test_a_manifest_nested_beyond_all_limits_is_refused(header: bytes, field: bytes, saved: Path) -> None:
    (saved / MANIFEST_FILE).write_bytes(b'{%s"%s": %s' % (header, field, b"[" * 200_000))

    with pytest.raises(Mendable, match=MANIFEST_FILE):
        read_manifest(saved)


def test_a_flipped_bit_of_a_manifest_is_refused_or_changes_nothing(manifest: Manifest) -> None:
    whole = manifest.encoded()
    places = range(0, len(whole), 5)
    refused = 0

    for at in places:
        for bit in (7, at % 7):  # the highest, which makes it no UTF-8, and one of the others
            # The last digit of a double may not count: that changes nothing.
            outcome = manifest_or_refusal(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
            assert outcome == manifest or "m.json" in str(outcome)
            refused += isinstance(outcome, Mendable)

    assert refused > 1.9 * len(places)
