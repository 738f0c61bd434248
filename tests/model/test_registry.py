"""The registry, in a directory and in S3: versions that never change, and roles whose every move is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from model.data.dataset import Dataset
from model.errors import Mendable
from model.measuring.assessment import Interval
from model.registry.moves import MovedMeanwhile, RegistryDamaged
from model.registry.paths import PathStore
from model.registry.reference import ModelUnknown, Reference, ReferenceAmbiguous
from model.registry.registry import ModelMisplaced, NameUnusable, NothingToMove, Registry, open_registry
from model.registry.s3 import S3Store
from model.registry.store import RegistryUnusable, Store
from model.versions.gate import Comparison, Quality
from model.versions.loading import load_scorer
from model.versions.manifest import (
    GOLDEN_FILE,
    MANIFEST_FILE,
    PIPELINE_FILE,
    SERVING_FILE,
    Manifest,
    ModelDamaged,
    ModelDigestMismatch,
    ModelMissing,
    read_manifest,
)
from model.versions.signing import ModelUnsigned, SignatureWrong, Signer, Verifier, new_keys
from tests.harness.s3 import CREDENTIALS, S3Server
from tests.harness.small_model import DOCUMENTS, SmallModel, small_model

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMPARISON = Comparison(
    rows=100,
    frauds=20,
    left_out=3,
    champion=Quality(average_precision=0.5, calibration_error=0.01),
    candidate=Quality(average_precision=0.6, calibration_error=0.01),
    average_precision=Interval(value=0.1, low=0.05, high=0.15),
    calibration_error=Interval(value=0.0, low=-0.01, high=0.01),
    rounds=1000,
    seed=7,
)


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.close()


@pytest.fixture(params=["paths", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "paths":
        return PathStore(tmp_path / "registry")
    server: S3Server = request.getfixturevalue("s3")
    return S3Store(server.client, bucket=server.new_bucket(), prefix="some/where")


@pytest.fixture
def registry(store: Store, tmp_path: Path) -> Registry:
    return Registry(store, cache=tmp_path / "cache")


@pytest.fixture(scope="module")
def models(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three versions of one model."""
    folder = tmp_path_factory.mktemp("models")
    for seed in (1, 2, 3):
        small_model(dataset, seed=seed, trees=4).save(folder / str(seed))
    return sorted(folder.iterdir())


def added(registry: Registry, models: list[Path]) -> list[Reference]:
    manifests = [registry.add(model).manifest for model in models]
    return [Reference(manifest.name, manifest.version) for manifest in manifests]


def promote(registry: Registry, version: Reference, *, hours: int = 0) -> None:
    registry.promote(version, after=registry.sequence(version.name), at=NOON + timedelta(hours=hours))


def rewrite(store: Store, key: str, old: bytes, new: bytes) -> None:
    content = store.read(key)
    assert content is not None
    assert old in content
    store.replace(key, content.replace(old, new))


# --- stores ---


def test_a_store_keeps_what_it_is_given(store: Store) -> None:
    store.replace("a/b", b"1")
    store.replace("a/b", b"2")

    assert (store.read("a/b"), store.exists("a/b")) == (b"2", True)
    assert (store.read("a/c"), store.exists("a/c")) == (None, False)
    assert (store.read("a"), store.exists("a")) == (None, False)


def test_a_store_lists_what_follows_a_prefix(store: Store) -> None:
    for key in ("m/versions/1/f", "m/versions/1/g", "m/versions/2/f", "m/champion.json", "n/versions/1/f"):
        store.replace(key, b"")

    assert store.children("") == ["m", "n"]
    assert store.children("m/") == ["champion.json", "versions"]
    assert store.children("m/versions/") == ["1", "2"]
    assert store.children("o/") == []


def test_one_of_several_at_once_creates(store: Store) -> None:
    made: dict[int, bool] = {}
    ready = threading.Barrier(8)

    def create(number: int) -> None:
        ready.wait()
        made[number] = store.create("history/000001.json", b"by %d" % number)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(made.values()) == 1
    assert store.read("history/000001.json") == b"by %d" % next(number for number, first in made.items() if first)
    assert store.children("history/") == ["000001.json"]


def test_more_keys_than_one_answer_of_s3_holds_are_all_listed(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    store = S3Store(s3.client, bucket=s3.new_bucket(), prefix="")
    for number in range(30):
        store.replace(f"h/{number:02d}", b"")

    assert len(store.children("h/")) == 30


# --- versions ---


def test_an_added_model_is_found_opened_and_scores(
    registry: Registry, models: list[Path], dataset: Dataset, tmp_path: Path
) -> None:
    (version,) = added(registry, models[:1])

    directory = registry.open(registry.resolve(f"small@{version.version}"))

    assert (registry.names(), registry.versions("small")) == (["small"], [version.version])
    assert registry.manifest(version) == read_manifest(models[0])
    assert sorted(entry.name for entry in directory.iterdir()) == sorted(entry.name for entry in models[0].iterdir())
    ours, theirs = (load_scorer(one).score(dataset.inputs, dataset.times) for one in (directory, models[0]))
    assert ours.tobytes() == theirs.tobytes()


def test_adding_again_changes_nothing_not_even_where_it_was_trained_again(
    registry: Registry, dataset: Dataset, models: list[Path], tmp_path: Path
) -> None:
    (version,) = added(registry, models[:1])
    small_model(dataset, seed=1, trees=4).save(tmp_path / "later", created_at=NOON)

    again, later = registry.add(models[0]), registry.add(tmp_path / "later")

    assert (again.new, later.new) == (False, False)
    assert later.manifest == read_manifest(models[0])
    registry.open(version)


def test_what_is_half_uploaded_is_not_there_and_can_be_added_again(
    registry: Registry, store: Store, models: list[Path]
) -> None:
    manifest = read_manifest(models[0])
    version = Reference("small", manifest.version)
    store.replace(version.prefix + SERVING_FILE, b"half of it")

    assert registry.names() == []
    with pytest.raises(ModelUnknown):
        registry.resolve(f"small@{manifest.version}")
    with pytest.raises(ModelMissing, match=manifest.version):
        registry.open(version)
    assert registry.add(models[0]).new
    registry.open(version)


def test_a_damaged_directory_is_not_added(registry: Registry, trained: SmallModel, tmp_path: Path) -> None:
    trained.save(tmp_path / "model")
    (tmp_path / "model" / "report.html").write_bytes(b"")

    with pytest.raises(ModelDamaged, match=r"report\.html"):
        registry.add(tmp_path / "model")
    assert registry.names() == []


def test_a_name_that_leads_elsewhere_is_refused(registry: Registry, trained: SmallModel, tmp_path: Path) -> None:
    profile = msgspec.structs.replace(trained.profile, name="../small")
    replace(trained, profile=profile).save(tmp_path / "model")

    with pytest.raises(NameUnusable, match=r"'\.\./small'"):
        registry.add(tmp_path / "model")
    with pytest.raises(ModelUnknown):
        registry.resolve("../small")
    with pytest.raises(ModelUnknown):
        registry.rollback("../small", at=NOON)


def test_references(registry: Registry, models: list[Path]) -> None:
    one, two, three = added(registry, models)
    promote(registry, one)
    registry.challenge(two, at=NOON)

    def resolved(reference: str) -> str:
        return registry.resolve(reference).version

    assert resolved("small") == resolved("small@champion") == resolved("small@") == one.version
    assert resolved("small@challenger") == two.version
    assert resolved(f"small@{three.version}") == resolved(f"small@{three.version[:6]}") == three.version


@pytest.mark.parametrize("reference", ["", "other", "small@xyz", "small@0123456789abc", "small@../..", "@champion"])
def test_a_reference_to_nothing_is_refused(reference: str, registry: Registry, models: list[Path]) -> None:
    added(registry, models[:1])

    with pytest.raises(ModelUnknown):
        registry.resolve(reference)


def test_a_model_without_a_champion_has_none(registry: Registry, models: list[Path]) -> None:
    (one,) = added(registry, models[:1])

    for reference in ("small", "small@challenger"):
        with pytest.raises(ModelUnknown, match="has no cha"):
            registry.resolve(reference)
    assert registry.current("small", "champion") is None
    assert registry.moves("small") == []
    assert one.version in registry.versions("small")


def test_a_beginning_of_two_versions_is_refused(registry: Registry, store: Store, models: list[Path]) -> None:
    (one,) = added(registry, models[:1])
    other = one.version[:11] + ("0" if one.version[11] != "0" else "1")
    store.replace(Reference("small", other).prefix + MANIFEST_FILE, b"{}")

    with pytest.raises(ReferenceAmbiguous, match=other):
        registry.resolve(f"small@{one.version[:11]}")


# --- tampering ---


@pytest.mark.parametrize("name", [*DOCUMENTS, SERVING_FILE, GOLDEN_FILE, PIPELINE_FILE])
def test_any_altered_cut_off_or_lost_file_is_refused_by_name(
    name: str, registry: Registry, store: Store, models: list[Path], tmp_path: Path
) -> None:
    (version,) = added(registry, models[:1])
    key = version.prefix + name
    whole = store.read(key)
    assert whole

    for content, error in ((whole[:-1] + b"\xff", ModelDigestMismatch), (whole[:-1], ModelDamaged)):
        store.replace(key, content)
        with pytest.raises(error, match=name):
            registry.open(version)
        with pytest.raises(error, match=name):
            promote(registry, version)
    assert registry.moves("small") == []


def test_an_altered_manifest_is_refused(registry: Registry, store: Store, models: list[Path]) -> None:
    (version,) = added(registry, models[:1])
    rewrite(store, version.prefix + MANIFEST_FILE, b'"threshold": 0.3', b'"threshold": 0.9')

    with pytest.raises(ModelDigestMismatch, match=MANIFEST_FILE):
        registry.open(version)


def test_another_version_in_the_place_of_one_is_refused(registry: Registry, store: Store, models: list[Path]) -> None:
    one, two = added(registry, models[:2])
    for name in (*read_manifest(models[0]).files, MANIFEST_FILE):
        content = store.read(one.prefix + name)
        assert content is not None
        store.replace(two.prefix + name, content)
        store.replace(Reference("other", one.version).prefix + name, content)

    with pytest.raises(ModelMisplaced, match=f"{two.version}/manifest.json' is of version {one.version}"):
        registry.open(two)
    with pytest.raises(ModelMisplaced, match="other/versions"):
        registry.open(Reference("other", one.version))


def test_a_champion_with_another_report_than_when_it_was_promoted_is_refused(
    registry: Registry, store: Store, models: list[Path], dataset: Dataset, tmp_path: Path
) -> None:
    (version,) = added(registry, models[:1])
    promote(registry, version)
    later = small_model(dataset, seed=1, trees=4).save(tmp_path / "later", created_at=NOON)
    store.replace(version.prefix + MANIFEST_FILE, later.encoded())

    assert later.version == version.version
    with pytest.raises(ModelMisplaced, match="took its role"):
        registry.open(registry.resolve("small"))


def test_only_signed_models_are_added_promoted_and_opened_where_a_key_is_required(
    store: Store, trained: SmallModel, models: list[Path], tmp_path: Path
) -> None:
    private, public = new_keys(tmp_path / "keys")
    open_to_all = Registry(store, cache=tmp_path / "cache")
    strict = Registry(store, cache=tmp_path / "cache", verifier=Verifier.from_file(public))
    signed = trained.save(tmp_path / "signed", signer=Signer.from_file(private))
    (unsigned,) = added(open_to_all, models[:1])

    with pytest.raises(ModelUnsigned):
        strict.add(models[1])
    for use in (strict.open, strict.manifest):
        with pytest.raises(ModelUnsigned, match=unsigned.version):
            use(unsigned)
    with pytest.raises(ModelUnsigned):
        promote(strict, unsigned)
    (version,) = added(strict, [tmp_path / "signed"])
    promote(strict, version)
    assert read_manifest(strict.open(version)).signature == signed.signature


def test_the_signature_of_one_version_does_not_make_another_trusted(
    store: Store, trained: SmallModel, models: list[Path], tmp_path: Path
) -> None:
    private, public = new_keys(tmp_path / "keys")
    strict = Registry(store, cache=tmp_path / "cache", verifier=Verifier.from_file(public))
    signed = trained.save(tmp_path / "signed", signer=Signer.from_file(private))
    (other,) = added(Registry(store, cache=tmp_path / "cache"), models[:1])
    borrowed: Manifest = msgspec.structs.replace(read_manifest(models[0]), signature=signed.signature)
    store.replace(other.prefix + MANIFEST_FILE, borrowed.encoded())

    with pytest.raises(SignatureWrong, match=other.version):
        strict.open(other)


def test_a_copy_of_s3_is_fetched_once_and_again_where_it_was_damaged(
    s3: S3Server, models: list[Path], tmp_path: Path
) -> None:
    registry = Registry(S3Store(s3.client, bucket=s3.new_bucket(), prefix=""), cache=tmp_path / "cache")
    (version,) = added(registry, models[:1])

    copy = registry.open(version)
    before = (copy / SERVING_FILE).stat().st_ino
    assert (registry.open(version) / SERVING_FILE).stat().st_ino == before
    (copy / SERVING_FILE).write_bytes(b"damaged")

    assert registry.open(version) == copy
    assert (copy / SERVING_FILE).read_bytes() == (models[0] / SERVING_FILE).read_bytes()
    assert [entry.name for entry in copy.parent.iterdir()] == [version.version]


# --- roles ---


def test_a_promotion_is_kept_with_all_that_is_known_of_it(registry: Registry, store: Store, models: list[Path]) -> None:
    one, two = added(registry, models[:2])
    promote(registry, one)

    move = registry.promote(
        two, after=1, at=NOON, by_force=True, reason="the old one looks at a lost column", comparison=COMPARISON
    )

    assert (move.version, move.previous, move.sequence) == (two.version, one.version, 2)
    assert move.digest == read_manifest(models[1]).digest
    assert registry.current("small", "champion") == move
    assert registry.moves("small")[1] == move
    entry, pointer = store.read("small/history/000002.json"), store.read("small/champion.json")
    assert entry == pointer
    assert json.loads(entry or b"")["reason"] == "the old one looks at a lost column"
    assert json.loads(entry or b"")["comparison"]["average_precision"]["low"] == 0.05


def test_the_champion_is_not_promoted_again(registry: Registry, models: list[Path]) -> None:
    (one,) = added(registry, models[:1])
    promote(registry, one)

    with pytest.raises(NothingToMove, match="champion of 'small' already"):
        promote(registry, one)


def test_rollbacks_go_back_champion_by_champion(registry: Registry, models: list[Path]) -> None:
    one, two, three = added(registry, models)
    for version in (one, two, three):
        promote(registry, version)

    first, second = (registry.rollback("small", at=NOON, reason="alarms everywhere") for _ in range(2))

    assert [first.version, second.version] == [two.version, one.version]
    assert (first.previous, first.reason) == (three.version, "alarms everywhere")
    assert registry.resolve("small").version == one.version
    with pytest.raises(NothingToMove, match="no champion before"):
        registry.rollback("small", at=NOON)
    promote(registry, three)
    assert registry.rollback("small", at=NOON).version == one.version
    assert [move.action for move in registry.moves("small")] == [
        *["promote"] * 3,
        *["rollback"] * 2,
        "promote",
        "rollback",
    ]


def test_a_rollback_to_a_damaged_version_is_refused(registry: Registry, store: Store, models: list[Path]) -> None:
    one, two = added(registry, models[:2])
    promote(registry, one)
    promote(registry, two)
    store.replace(one.prefix + SERVING_FILE, b"")

    with pytest.raises(ModelDamaged, match=SERVING_FILE):
        registry.rollback("small", at=NOON)
    assert registry.resolve("small").version == two.version


def test_a_challenger_leaves_the_champion_alone(registry: Registry, models: list[Path]) -> None:
    one, two, three = added(registry, models)
    promote(registry, one)
    registry.challenge(two, at=NOON)

    move = registry.challenge(three, at=NOON)

    assert (move.previous, move.sequence) == (two.version, 3)
    assert registry.resolve("small").version == one.version
    assert registry.resolve("small@challenger").version == three.version


def test_of_two_promoters_at_once_one_is_told_that_the_other_came_first(registry: Registry, models: list[Path]) -> None:
    one, two, three = added(registry, models)
    promote(registry, one)
    looked_at = registry.sequence("small")

    registry.promote(two, after=looked_at, at=NOON)
    with pytest.raises(MovedMeanwhile, match=rf"promote of version {two.version} came first \(entry 2"):
        registry.promote(three, after=looked_at, at=NOON)

    assert registry.resolve("small").version == two.version
    assert len(registry.moves("small")) == 2


def test_many_promoters_at_once_lose_no_entry(registry: Registry, models: list[Path]) -> None:
    versions = added(registry, models)
    told: list[Mendable] = []
    ready = threading.Barrier(3)

    def promotes(version: Reference) -> None:
        ready.wait()
        try:
            registry.promote(version, after=0, at=NOON)
        except MovedMeanwhile as meanwhile:
            told.append(meanwhile)

    threads = [threading.Thread(target=promotes, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (only,) = registry.moves("small")
    assert len(told) == 2
    assert registry.resolve("small").version == only.version


def test_a_promotion_that_was_interrupted_before_the_pointer_moved_has_happened(
    registry: Registry, store: Store, models: list[Path]
) -> None:
    one, two, three = added(registry, models)
    promote(registry, one)
    pointer = store.read("small/champion.json")
    assert pointer is not None
    promote(registry, two)
    registry.challenge(three, at=NOON)
    store.replace("small/champion.json", pointer)

    assert registry.resolve("small").version == two.version
    assert registry.rollback("small", at=NOON).version == one.version
    assert registry.resolve("small").version == one.version


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"sequence": 2', b'"sequence": 1'),
        (b'"sequence": 2', b'"sequence": 9'),
        (b'"by_force": false', b'"by_force": true'),
        (b'"action": "promote"', b'"action": "challenge"'),
        (b'"name": "small"', b'"name": "other"'),
        (b"{", b""),
    ],
)
def test_an_altered_pointer_or_entry_is_refused_by_name(
    old: bytes, new: bytes, registry: Registry, store: Store, models: list[Path]
) -> None:
    one, two = added(registry, models[:2])
    promote(registry, one)
    promote(registry, two)
    whole = store.read("small/champion.json")
    assert whole is not None

    rewrite(store, "small/champion.json", old, new)
    with pytest.raises(RegistryDamaged, match=r"small/champion\.json"):
        registry.resolve("small")
    store.replace("small/champion.json", whole)
    rewrite(store, "small/history/000002.json", old, new)
    with pytest.raises(RegistryDamaged, match=r"small/(history/000002|champion)\.json"):
        registry.resolve("small")


def test_a_pointer_to_another_version_is_refused(registry: Registry, store: Store, models: list[Path]) -> None:
    one, two = added(registry, models[:2])
    promote(registry, one)
    rewrite(store, "small/champion.json", one.version.encode(), two.version.encode())

    with pytest.raises(RegistryDamaged, match=r"champion\.json"):
        registry.resolve("small")


def test_a_lost_entry_is_noticed(tmp_path: Path, models: list[Path]) -> None:
    registry = open_registry(str(tmp_path / "registry"), cache=tmp_path)
    for version in added(registry, models):
        promote(registry, version)
    (tmp_path / "registry" / "small" / "history" / "000002.json").unlink()

    with pytest.raises(RegistryDamaged, match="small/history"):
        registry.moves("small")


# --- places ---


def test_a_registry_is_opened_by_its_place(
    s3: S3Server, models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    bucket = s3.new_bucket()

    for place in (str(tmp_path / "registry"), f"s3://{bucket}", f"s3://{bucket}/deeper/"):
        registry = open_registry(place, cache=tmp_path / "cache", endpoint_url=s3.url)
        (version,) = added(registry, models[:1])
        assert load_scorer(registry.open(version)).version == version.version
    keys = [entry["Key"] for entry in s3.client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert f"small/versions/{version.version}/manifest.json" in keys
    assert f"deeper/small/versions/{version.version}/manifest.json" in keys


def test_places_that_cannot_be_used_are_said(
    s3: S3Server, models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "file").touch()

    def said(place: str, endpoint: str = s3.url) -> str:
        with pytest.raises(RegistryUnusable) as refusal:
            open_registry(place, cache=tmp_path / "cache", endpoint_url=endpoint).add(models[0])
        return str(refusal.value)

    assert "names no bucket" in said("s3://")
    assert "404 NoSuchBucket" in said("s3://no-such-bucket")
    assert "cannot be opened" in said("s3://bucket", endpoint="nonsense")
    assert "cannot be written" in said(str(tmp_path / "file" / "registry"))
