"""Signatures: of one model by one key, and refused for any other."""

from __future__ import annotations

import base64
import hashlib
import stat
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from model.versions.manifest import Manifest, parse_manifest
from model.versions.signing import KeyUnusable, ModelUnsigned, SignatureWrong, Signer, Verifier, new_keys
from tests.harness.small_model import SmallModel


@pytest.fixture(scope="module")
def manifest(trained: SmallModel, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return trained.save(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return new_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(manifest: Manifest, keys: tuple[Path, Path]) -> Manifest:
    return Signer.from_file(keys[0]).signed(manifest)


@pytest.fixture(scope="module")
def verifier(keys: tuple[Path, Path]) -> Verifier:
    return Verifier.from_file(keys[1])


def with_signature(manifest: Manifest, **fields: str) -> Manifest:
    assert manifest.signature is not None
    other: Manifest = msgspec.structs.replace(manifest, signature=msgspec.structs.replace(manifest.signature, **fields))
    return other


def test_a_signed_manifest_is_the_same_model_and_is_accepted(
    manifest: Manifest, signed: Manifest, verifier: Verifier
) -> None:
    read = parse_manifest(signed.encoded(), source="m")

    verifier.require(read, source="m")
    assert (read.version, read.digest) == (manifest.version, manifest.digest)


def test_the_signature_is_ed25519_of_what_is_documented(signed: Manifest, keys: tuple[Path, Path]) -> None:
    assert signed.signature is not None
    public = serialization.load_pem_public_key(keys[1].read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    message = f'["fraudstream-model-signature-1","{signed.name}","{signed.version}","{signed.digest}"]'

    public.verify(base64.b64decode(signed.signature.value), message.encode())
    assert signed.signature.key_id == hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


def test_no_signature_is_refused(manifest: Manifest, verifier: Verifier) -> None:
    with pytest.raises(ModelUnsigned, match=r"'m/manifest\.json' is not signed"):
        verifier.require(manifest, source="m/manifest.json")


def test_the_signature_of_another_key_is_refused_by_name(
    manifest: Manifest, verifier: Verifier, tmp_path: Path
) -> None:
    other = Signer.from_file(new_keys(tmp_path)[0]).signed(manifest)
    assert other.signature is not None

    with pytest.raises(SignatureWrong, match=f"'m' is signed by key '{other.signature.key_id}'"):
        verifier.require(other, source="m")


def test_a_key_id_alone_is_believed_by_nobody(
    manifest: Manifest, signed: Manifest, verifier: Verifier, tmp_path: Path
) -> None:
    assert signed.signature is not None
    other = Signer.from_file(new_keys(tmp_path)[0]).signed(manifest)

    with pytest.raises(SignatureWrong, match="signature of 'm' is not of this model"):
        verifier.require(with_signature(other, key_id=signed.signature.key_id), source="m")


@pytest.mark.parametrize("fields", [{"threshold": 0.9}, {"name": "other"}, {"code_revision": "x"}, {"libraries": {}}])
def test_the_signature_of_another_model_is_refused(
    fields: dict[str, object], signed: Manifest, verifier: Verifier
) -> None:
    other = msgspec.structs.replace(signed, **fields).sealed()
    replayed: Manifest = msgspec.structs.replace(other, signature=signed.signature)

    with pytest.raises(SignatureWrong, match="signature of 'm' is not of this model"):
        verifier.require(replayed, source="m")


@pytest.mark.parametrize("value", ["", "x", "ÿ", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_a_signature_that_is_none_is_refused(value: str, signed: Manifest, verifier: Verifier) -> None:
    with pytest.raises(SignatureWrong, match="not of this model"):
        verifier.require(with_signature(signed, value=value), source="m")


def test_the_private_key_is_for_its_owner_only(tmp_path: Path) -> None:
    private, public = new_keys(tmp_path / "new")

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert b"PRIVATE" in private.read_bytes()
    assert b"PRIVATE" not in public.read_bytes()


def test_no_key_is_overwritten(keys: tuple[Path, Path], tmp_path: Path) -> None:
    before = [key.read_bytes() for key in keys]

    with pytest.raises(KeyUnusable, match="is there already"):
        new_keys(keys[0].parent)
    (tmp_path / keys[0].name).write_text("mine")
    with pytest.raises(KeyUnusable, match=f"{keys[0].name}' is there already"):
        new_keys(tmp_path)

    assert [key.read_bytes() for key in keys] == before
    assert [entry.name for entry in tmp_path.iterdir()] == [keys[0].name]


def test_a_place_that_takes_no_keys_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(KeyUnusable, match="file"):
        new_keys(tmp_path / "file")


def test_a_file_that_is_no_key_is_refused_without_showing_it(keys: tuple[Path, Path], tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("a secret of another kind")

    for read, wrong in ((Signer.from_file, keys[1]), (Verifier.from_file, keys[0])):
        for file in (wrong, nonsense, tmp_path / "nowhere.pem", tmp_path):
            with pytest.raises(KeyUnusable) as refusal:
                read(file)
            assert str(file) in str(refusal.value)
            assert "secret" not in str(refusal.value)
            assert "BEGIN" not in str(refusal.value)


def test_keys_of_another_kind_and_encrypted_ones_are_refused(tmp_path: Path) -> None:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    curve = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "p256.pem").write_bytes(curve.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    locked = Ed25519PrivateKey.generate().private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"password"))
    (tmp_path / "locked.pem").write_bytes(locked)

    with pytest.raises(KeyUnusable, match="no private Ed25519 key"):
        Signer.from_file(tmp_path / "p256.pem")
    with pytest.raises(KeyUnusable, match="encrypted"):
        Signer.from_file(tmp_path / "locked.pem")
