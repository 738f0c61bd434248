"""Who vouches for a model: an Ed25519 signature (RFC 8032) over what a manifest's digest covers.

Digests tell of accidents; a signature tells who wrote the directory. The signed text names the purpose, the model and
its version, so that a signature of one model says nothing of another, and no other use of the key says anything here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from model.errors import Mendable
from model.versions.manifest import Manifest, Signature

PRIVATE_KEY_FILE: Final = "fraud-signing-key.pem"
PUBLIC_KEY_FILE: Final = "fraud-verify-key.pem"
_PURPOSE: Final = "fraudstream-model-signature-1"


class KeyUnusable(Mendable):
    """A file that holds no Ed25519 key of the kind that is needed, or a place that takes none."""


class ModelUnsigned(Mendable):
    """A model without a signature, where one is required."""


class SignatureWrong(Mendable):
    """A signature that the trusted key did not make for this model."""


class Signer:
    """Signs models with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> Signer:
        """With the private key in a PEM file, as `new_keys` writes it.

        Raises:
            KeyUnusable: The file cannot be read or holds something else.
        """
        try:
            key = serialization.load_pem_private_key(_read(path), password=None)
        except TypeError:  # what the package says where a password is needed
            raise KeyUnusable(f"key file '{path}' is encrypted", remedy="give an unencrypted key file") from None
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnusable(
                f"key file '{path}' holds no private Ed25519 key in PEM",
                remedy=f"give the {PRIVATE_KEY_FILE} that `fraud models keygen` wrote",
            )
        return cls(key)

    def signed(self, manifest: Manifest) -> Manifest:
        """The sealed manifest with this signer's signature, which replaces any other."""
        value = base64.b64encode(self._key.sign(_message(manifest))).decode()
        signature = Signature(key_id=_key_id(self._key.public_key()), value=value)
        return msgspec.structs.replace(manifest, signature=signature)


class Verifier:
    """Trusts one public key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> Verifier:
        """With the public key in a PEM file, as `new_keys` writes it.

        Raises:
            KeyUnusable: The file cannot be read or holds something else.
        """
        try:
            key = serialization.load_pem_public_key(_read(path))
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyUnusable(
                f"key file '{path}' holds no public Ed25519 key in PEM",
                remedy=f"give the {PUBLIC_KEY_FILE} that `fraud models keygen` wrote",
            )
        return cls(key)

    def require(self, manifest: Manifest, *, source: str) -> None:
        """Refuses a manifest that the trusted key did not sign.

        Args:
            manifest: Its digest was found to be its own (`model.versions.manifest.parse_manifest`).
            source: Names it in errors.

        Raises:
            ModelUnsigned: It has no signature.
            SignatureWrong: The signature is another key's, or of another model.
        """
        signature, trusted = manifest.signature, _key_id(self._key)
        if signature is None:
            raise ModelUnsigned(
                f"'{source}' is not signed, and key {trusted} is required to have signed it",
                remedy="train with model.signing_key_file set, or clear model.verify_key_file to trust any model",
            )
        if signature.key_id != trusted:
            raise SignatureWrong(
                f"'{source}' is signed by key {signature.key_id!r}, trusted is {trusted}",
                remedy="use a model that the trusted key signed, or set model.verify_key_file to the key that did",
            )
        try:
            self._key.verify(base64.b64decode(signature.value, validate=True), _message(manifest))
        except (InvalidSignature, binascii.Error, ValueError):
            raise SignatureWrong(
                f"the signature of '{source}' is not of this model (version {manifest.version})",
                remedy="take the model again from where it was signed; somebody may have tampered with it",
            ) from None


def new_keys(out: Path) -> tuple[Path, Path]:
    """Makes a pair of keys and writes both as PEM files, the private one for its owner's eyes only.

    Args:
        out: Directory, made where it is not there.

    Returns:
        The private key's file and the public key's.

    Raises:
        KeyUnusable: One of the files is there already, or the system refuses.
    """
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private_file, public_file = out / PRIVATE_KEY_FILE, out / PUBLIC_KEY_FILE
    _require_absent(public_file)
    _write_new(private_file, private, mode=0o600)
    _write_new(public_file, public, mode=0o644)
    return private_file, public_file


def _message(manifest: Manifest) -> bytes:
    """What is signed; the digest covers the rest."""
    return msgspec.json.encode([_PURPOSE, manifest.name, manifest.version, manifest.digest])


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as refusal:
        raise KeyUnusable(
            f"key file '{path}' cannot be read ({refusal.strerror})", remedy="give a PEM file that can be read"
        ) from None


def _require_absent(path: Path) -> None:
    if path.exists():
        raise KeyUnusable(f"key file '{path}' is there already", remedy="name another directory, or move it away")


def _write_new(path: Path, content: bytes, *, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        _require_absent(path)
        raise KeyUnusable(f"'{path.parent}' is no directory", remedy="name a directory") from None
    except OSError as refusal:
        raise KeyUnusable(
            f"key file '{path}' cannot be written ({refusal.strerror})", remedy="name a directory of this user's own"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
