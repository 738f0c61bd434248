"""Model versions by name, and which of them is the champion.

Layout: `NAME/versions/VERSION/<files of the model directory>`, `NAME/champion.json`, `NAME/challenger.json` and
`NAME/history/000001.json` and so on. A version never changes; its manifest is written last, so that what is half
uploaded is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from model.errors import Mendable
from model.registry.copies import copied, stored_files
from model.registry.moves import Move, Moves, Role, champions
from model.registry.paths import PathStore
from model.registry.reference import ModelUnknown, Reference, is_name, version_of
from model.registry.store import RegistryUnusable, Store
from model.versions.gate import Comparison
from model.versions.loading import verified_manifest
from model.versions.manifest import MANIFEST_FILE, Manifest, ModelMissing, parse_manifest, read_listed

if TYPE_CHECKING:
    from model.versions.signing import Verifier

_S3: Final = "s3://"
_ROLES: Final = ("champion", "challenger")


class NameUnusable(Mendable):
    """A model's name that cannot be a directory's or a key's."""


class ModelMisplaced(Mendable):
    """A version that is not where its name and version say: somebody put another one in its place."""


class NothingToMove(Mendable):
    """A promotion of the champion, or a rollback of the first one."""


@dataclass(frozen=True)
class Added:
    """What became of a model directory.

    Attributes:
        manifest: Of the version in the registry.
        new: False where it was there already; then that one stays.
    """

    manifest: Manifest
    new: bool


def open_registry(
    where: str, *, cache: Path, endpoint_url: str | None = None, verifier: Verifier | None = None
) -> Registry:
    """The registry in a directory, or at `s3://bucket/prefix`.

    Args:
        where: Either.
        cache: Directory for copies of what is in S3; made when needed.
        endpoint_url: Of an S3 that is not Amazon's.
        verifier: Whose signature every model needs; None takes any.

    Raises:
        RegistryUnusable: The URL makes no sense, or boto3 is not installed.
    """
    store = _s3(where, endpoint_url) if where.startswith(_S3) else PathStore(Path(where))
    return Registry(store, cache=cache, verifier=verifier)


def _s3(url: str, endpoint_url: str | None) -> Store:
    try:
        from model.registry.s3 import open_s3  # noqa: PLC0415 (a registry in a directory does without boto3)
    except ModuleNotFoundError:
        raise RegistryUnusable(
            f"registry {url!r} needs the package boto3, which is not installed", remedy="pip install 'fraudstream[s3]'"
        ) from None
    return open_s3(url, endpoint_url=endpoint_url)


class Registry:
    """Versions and roles in a store.

    Every method may raise `RegistryUnusable` where the store refuses, and `RegistryDamaged` where a file of the
    registry's own was altered.

    Args:
        store: Where everything is.
        cache: Directory for copies of what is not in a directory of this machine.
        verifier: Whose signature every model needs; None takes any.
    """

    def __init__(self, store: Store, *, cache: Path, verifier: Verifier | None = None) -> None:
        self._store = store
        self._cache = cache
        self._verifier = verifier

    def add(self, directory: Path) -> Added:
        """Uploads a model directory; a version that is there stays as it is.

        Raises:
            NameUnusable: Its name cannot be a key.
            Mendable: It is not as it was written (see `verified_manifest`), or the version that is there is not.
        """
        manifest = verified_manifest(directory, verifier=self._verifier)
        if not is_name(manifest.name):
            raise NameUnusable(
                f"model name {manifest.name!r} cannot be a registry's key",
                remedy="train with a profile whose name is of letters, digits, dots, hyphens and underscores",
            )
        version = Reference(manifest.name, manifest.version)
        if not self._store.exists(version.prefix + MANIFEST_FILE):
            for name in manifest.files:
                self._store.replace(version.prefix + name, read_listed(directory, manifest, name))
            if self._store.create(version.prefix + MANIFEST_FILE, manifest.encoded()):
                return Added(manifest, new=True)
        return Added(self.manifest(version), new=False)

    def names(self) -> list[str]:
        """The models that have a version."""
        return [name for name in self._store.children("") if is_name(name) and self._whole_versions(name)]

    def versions(self, name: str) -> list[str]:
        """The versions of a model that are there as a whole, sorted: one at least.

        Raises:
            ModelUnknown: There is none.
        """
        versions = self._whole_versions(name) if is_name(name) else []
        if not versions:
            known = ", ".join(self.names()) or "none yet"
            raise ModelUnknown(
                f"registry '{self._store.where}' has no model {name!r}",
                remedy=f"give one of its models ({known}), or the directory of a model",
            )
        return versions

    def moves(self, name: str) -> list[Move]:
        """All promotions, rollbacks and challenges of a model, the oldest first."""
        return Moves(self._store, name).all()

    def current(self, name: str, role: Role) -> Move | None:
        """The last move into a role."""
        return Moves(self._store, name).current(role)

    def resolve(self, reference: str) -> Reference:
        """Which version a reference means.

        Raises:
            ModelUnknown: None.
            ReferenceAmbiguous: More than one.
        """
        name, _, which = reference.partition("@")
        which = which or "champion"
        versions = self.versions(name)
        if which in _ROLES:
            return self._in_role(name, cast("Role", which))
        return version_of(which, versions, name=name)

    def manifest(self, version: Reference) -> Manifest:
        """What a version says of itself; its files are not looked at.

        Raises:
            ModelMissing: It is not there as a whole.
            ModelMisplaced: Another version is in its place.
            Mendable: The manifest is damaged, or its signature is not the required one.
        """
        return self._checked(self._manifest_content(version), version)

    def open(self, version: Reference) -> Path:
        """A directory of this machine with a version, every file of it proved to be the one that was written.

        Raises:
            Mendable: As `manifest`, or a file is missing, cut off or altered.
        """
        content = self._manifest_content(version)
        manifest = self._checked(content, version)
        directory = self._store.local(version.prefix)
        if directory is None:
            return copied(self._store, version.prefix, manifest, content, cache=self._cache)
        verified_manifest(directory)
        return directory

    def sequence(self, name: str) -> int:
        """How many moves a model has seen: what `promote` wants to know to find out that nobody came between."""
        return Moves(self._store, name).sequence()

    def promote(
        self,
        version: Reference,
        *,
        after: int,
        at: datetime,
        by_force: bool = False,
        reason: str | None = None,
        comparison: Comparison | None = None,
    ) -> Move:
        """Makes a version champion. Whether it deserves it is for `model.versions.gate` to say.

        Args:
            version: In the registry.
            after: The `sequence` when the champion was looked at.
            at: Now, with a zone.
            by_force: Whether it is done without or against a comparison.
            reason: As a person gave it.
            comparison: With the present champion.

        Raises:
            NothingToMove: It is the champion.
            MovedMeanwhile: Somebody else's move came between.
            Mendable: The version is not as it was written.
        """
        previous = self.current(version.name, "champion")
        if previous is not None and previous.version == version.version:
            raise NothingToMove(
                f"version {version.version} is the champion of {version.name!r} already",
                remedy=f"`fraud models list {version.name}` lists the others",
            )
        return self._move(
            Move(
                action="promote",
                name=version.name,
                version=version.version,
                digest=self._digest_of_intact(version),
                sequence=after + 1,
                previous=None if previous is None else previous.version,
                at=at,
                by_force=by_force,
                reason=reason,
                comparison=comparison,
            )
        )

    def rollback(self, name: str, *, at: datetime, reason: str | None = None) -> Move:
        """Makes the champion before the present one champion again; another rollback goes back further.

        Args:
            name: The model's.
            at: Now, with a zone.
            reason: As a person gave it.

        Raises:
            ModelUnknown: There is no such model.
            NothingToMove: There is none.
            MovedMeanwhile: Somebody else's move came between.
            Mendable: The version is not as it was written.
        """
        self.versions(name)
        moves = self.moves(name)
        *_, before, present = [None, None, *champions(moves)]
        if before is None:
            raise NothingToMove(
                f"model {name!r} has had no champion before {present or 'now'}",
                remedy=f"promote another version (`fraud models list {name}`)",
            )
        target = Reference(name, before)
        return self._move(
            Move(
                action="rollback",
                name=name,
                version=before,
                digest=self._digest_of_intact(target),
                sequence=len(moves) + 1,
                previous=present,
                at=at,
                reason=reason,
            )
        )

    def challenge(self, version: Reference, *, at: datetime) -> Move:
        """Makes a version challenger.

        Args:
            version: In the registry.
            at: Now, with a zone.

        Raises:
            MovedMeanwhile: Somebody else's move came between.
            Mendable: The version is not as it was written.
        """
        after = self.sequence(version.name)
        previous = self.current(version.name, "challenger")
        return self._move(
            Move(
                action="challenge",
                name=version.name,
                version=version.version,
                digest=self._digest_of_intact(version),
                sequence=after + 1,
                previous=None if previous is None else previous.version,
                at=at,
            )
        )

    def _in_role(self, name: str, role: Role) -> Reference:
        move = self.current(name, role)
        if move is None:
            verb = "promote" if role == "champion" else "challenge"
            raise ModelUnknown(
                f"model {name!r} has no {role} in registry '{self._store.where}'",
                remedy=f"name a version ({name}@VERSION), or make one: `fraud models {verb} {name}@VERSION`",
            )
        return Reference(name, move.version, move.digest)

    def _whole_versions(self, name: str) -> list[str]:
        found = [Reference(name, version) for version in self._store.children(f"{name}/versions/")]
        return [one.version for one in found if self._store.exists(one.prefix + MANIFEST_FILE)]

    def _move(self, move: Move) -> Move:
        Moves(self._store, move.name).append(move)
        return move

    def _digest_of_intact(self, version: Reference) -> str:
        """The digest of a version's manifest, where the store itself holds every file as it was written."""
        manifest = self.manifest(version)
        stored_files(self._store, version.prefix, manifest)
        return manifest.digest

    def _manifest_content(self, version: Reference) -> bytes:
        content = self._store.read(version.prefix + MANIFEST_FILE)
        if content is None:
            raise ModelMissing(
                f"no model: '{self._place(version)}' has no {MANIFEST_FILE}", remedy="add the version again"
            )
        return content

    def _checked(self, content: bytes, version: Reference) -> Manifest:
        source = f"{self._place(version)}/{MANIFEST_FILE}"
        manifest = parse_manifest(content, source=source)
        if (manifest.name, manifest.version) != (version.name, version.version):
            raise ModelMisplaced(
                f"'{source}' is of version {manifest.version} of {manifest.name!r}",
                remedy="remove this directory, find out who wrote it, and add the version again",
            )
        if version.digest not in {None, manifest.digest}:
            raise ModelMisplaced(
                f"'{source}' is another manifest than when the version took its role",
                remedy="find out who wrote it, and promote a version that you trust",
            )
        if self._verifier is not None:
            self._verifier.require(manifest, source=source)
        return manifest

    def _place(self, version: Reference) -> str:
        return f"{self._store.where}/{version.prefix}".rstrip("/")
