"""A role in the registry, followed while the stream runs: what is sound is handed over, and nothing else."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from model.data.dataset import dataset_from_frame
from model.registry.reference import Reference
from model.registry.registry import Registry, open_registry
from model.scoring.scorer import Scorer
from model.versions.loading import load_scorer
from model.versions.manifest import GOLDEN_FILE, MANIFEST_FILE, SERVING_FILE
from model.versions.signing import Signer, Verifier, new_keys
from stream.model_watch import Followed, Handover, ModelWatch, followed_name
from tests.harness.labelled import PROFILE, labelled_frame
from tests.harness.s3 import CREDENTIALS, S3Server
from tests.harness.small_model import small_model
from tests.harness.waiting import wait_until

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = range(3)


@dataclass
class Followers:
    """A registry with three versions, the first of them champion, and who follows it.

    Attributes:
        registry: The registry.
        versions: Of the model.
        handed: The versions that were handed over, None for nobody.
        refused: What the watch was told to count.
        now: The watch's time, in seconds.
    """

    registry: Registry
    versions: list[Reference]
    handed: list[str | None] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    now: float = 0.0

    def promote(self, number: int) -> None:
        version = self.versions[number]
        self.registry.promote(version, after=self.registry.sequence(version.name), at=NOON)

    def watch(
        self, *, verifier: Verifier | None = None, load: Callable[[Reference], Scorer] | None = None
    ) -> ModelWatch:
        followed = Followed(self.registry, "small", verifier)
        return ModelWatch(
            followed.champion,
            load or followed.load,
            self.take,
            role="champion",
            current=self.versions[FIRST].version,
            every_s=5.0,
            refused=self.refused.append,
            timer=lambda: self.now,
        )

    def take(self, scorer: Scorer | None) -> None:
        self.handed.append(None if scorer is None else scorer.version)

    def look(self, watch: ModelWatch, times: int = 1) -> None:
        for _ in range(times):
            self.now += 5.0
            watch.look()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three versions of one model."""
    folder = tmp_path_factory.mktemp("models")
    dataset = dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")
    for seed in (1, 2, 3):
        small_model(dataset, seed=seed, trees=4).save(folder / str(seed))
    return sorted(folder.iterdir())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the registry is."""
    return tmp_path / "registry"


@pytest.fixture
def followers(root: Path, tmp_path: Path, models: list[Path]) -> Followers:
    return _followers(open_registry(str(root), cache=tmp_path / "cache"), models)


def _followers(registry: Registry, models: list[Path]) -> Followers:
    manifests = [registry.add(model).manifest for model in models]
    followers = Followers(registry, [Reference(manifest.name, manifest.version) for manifest in manifests])
    followers.promote(FIRST)
    return followers


def test_a_promoted_version_is_handed_over_once_and_so_is_the_one_that_a_rollback_brings_back(
    followers: Followers,
) -> None:
    watch = followers.watch()
    followers.look(watch)
    assert followers.handed == []

    followers.promote(SECOND)
    followers.look(watch, times=3)
    assert followers.handed == [followers.versions[SECOND].version]

    followers.registry.rollback("small", at=NOON)
    followers.look(watch, times=3)
    assert followers.handed == [followers.versions[at].version for at in (SECOND, FIRST)]
    assert followers.refused == []


def _flip_a_byte(version: Path) -> None:
    content = bytearray((version / SERVING_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (version / SERVING_FILE).write_bytes(content)


def _cut_off(version: Path) -> None:
    (version / SERVING_FILE).write_bytes((version / SERVING_FILE).read_bytes()[:-7])


def _put_another_in_its_place(version: Path) -> None:
    another = next(one for one in version.parent.iterdir() if one.name != version.name)
    shutil.copytree(another, version, dirs_exist_ok=True)


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (_flip_a_byte, "ModelDigestMismatch"),
        (_cut_off, "ModelDamaged"),
        (lambda version: (version / GOLDEN_FILE).unlink(), "ModelMissing"),
        (_put_another_in_its_place, "ModelMisplaced"),
        (lambda version: (version / MANIFEST_FILE).unlink(), "ModelMissing"),
        (lambda version: (version / MANIFEST_FILE).write_bytes(b"{"), "ModelDamaged"),
    ],
)
def test_a_damaged_version_is_refused_said_once_and_taken_once_it_is_mended(
    damage: Callable[[Path], None], cause: str, followers: Followers, root: Path
) -> None:
    watch, version = followers.watch(), root / followers.versions[SECOND].prefix
    whole = {file: file.read_bytes() for file in version.iterdir()}
    followers.promote(SECOND)
    damage(version)

    with capture_logs() as logs:
        followers.look(watch, times=40)
    assert followers.handed == []
    assert set(followers.refused) == {cause}
    (line,) = logs
    assert line["event"] == "a new version is refused: the present one stays"
    assert line["cause"] == cause
    assert (line["version"], line["present"]) == tuple(followers.versions[at].version for at in (SECOND, FIRST))

    for file, content in whole.items():
        file.write_bytes(content)
    followers.look(watch, times=13)
    assert followers.handed == [followers.versions[SECOND].version]


def test_a_refused_version_is_tried_again_with_growing_pauses_of_a_minute_at_most(
    followers: Followers, root: Path
) -> None:
    watch = followers.watch()
    followers.promote(SECOND)
    _flip_a_byte(root / followers.versions[SECOND].prefix)

    tries = []
    for _ in range(60):
        before = len(followers.refused)
        followers.look(watch)
        tries += [followers.now] * (len(followers.refused) - before)

    assert [later - earlier for earlier, later in pairwise(tries)] == [5, 10, 20, 40, 60, 60, 60]


def test_a_refused_version_does_not_delay_the_next_one(followers: Followers, root: Path) -> None:
    watch = followers.watch()
    followers.promote(SECOND)
    _flip_a_byte(root / followers.versions[SECOND].prefix)
    followers.look(watch, times=20)

    followers.promote(THIRD)
    followers.look(watch)

    assert followers.handed == [followers.versions[THIRD].version]


def test_a_version_without_the_required_signature_is_refused(followers: Followers, tmp_path: Path) -> None:
    _, public = new_keys(tmp_path / "keys")
    watch = followers.watch(verifier=Verifier.from_file(public))
    followers.promote(SECOND)

    followers.look(watch)

    assert (followers.handed, followers.refused) == ([], ["ModelUnsigned"])


def test_a_signed_version_is_taken_where_signatures_are_required(root: Path, tmp_path: Path) -> None:
    private, public = new_keys(tmp_path / "keys")
    dataset = dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")
    for seed in (1, 2):
        small_model(dataset, seed=seed, trees=4).save(tmp_path / f"m{seed}", signer=Signer.from_file(private))
    verifier = Verifier.from_file(public)
    registry = open_registry(str(root), cache=tmp_path / "cache", verifier=verifier)
    followers = _followers(registry, [tmp_path / "m1", tmp_path / "m2"])
    watch = followers.watch(verifier=verifier)

    followers.promote(SECOND)
    followers.look(watch)

    assert followers.handed == [followers.versions[SECOND].version]


def test_a_model_that_transactions_cannot_feed_is_refused(followers: Followers, tmp_path: Path) -> None:
    profile = msgspec.structs.replace(PROFILE, inputs=("amount", "risk", "account_id"))
    frame = labelled_frame().rename(columns={"noise": "account_id"})
    dataset = dataset_from_frame(frame, profile, need_labels=True, source="table")
    small_model(dataset, profile=profile, trees=4).save(tmp_path / "fed")
    manifest = followers.registry.add(tmp_path / "fed").manifest
    watch = followers.watch()

    followers.registry.promote(
        Reference("small", manifest.version), after=followers.registry.sequence("small"), at=NOON
    )
    followers.look(watch)

    assert (followers.handed, followers.refused) == ([], ["InputNameUnusable"])


def test_whatever_a_load_raises_the_watch_goes_on(followers: Followers) -> None:
    raised: Iterator[Exception] = iter([MemoryError(), OSError(28, "No space left on device"), RecursionError()])

    def load(version: Reference) -> Scorer:
        error = next(raised, None)
        if error is not None:
            raise error
        return Followed(followers.registry, "small").load(version)

    watch = followers.watch(load=load)
    followers.promote(SECOND)
    followers.look(watch, times=20)

    assert followers.refused == ["MemoryError", "OSError", "RecursionError"]
    assert followers.handed == [followers.versions[SECOND].version]


def test_a_registry_that_is_away_changes_nothing_and_is_asked_again(followers: Followers, root: Path) -> None:
    watch = followers.watch()
    followers.promote(SECOND)
    root.rename(root.with_name("away"))

    with capture_logs() as logs:
        followers.look(watch, times=20)
    assert (followers.handed, set(followers.refused)) == ([], {"ModelUnknown"})
    assert [line["event"] for line in logs] == [
        "the registry does not say who has the role: the present one stays",
    ]

    root.with_name("away").rename(root)
    followers.look(watch, times=13)
    assert followers.handed == [followers.versions[SECOND].version]


def test_a_copy_that_cannot_be_written_is_refused_and_written_later(
    models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = S3Server()
    try:
        cache = tmp_path / "cache"
        registry = open_registry(f"s3://{server.new_bucket()}/models", cache=cache, endpoint_url=server.url)
        followers = _followers(registry, models)
        watch = followers.watch()
        followers.promote(SECOND)
        cache.write_bytes(b"a file where the directory is to be")

        followers.look(watch)
        assert (followers.handed, followers.refused) == ([], ["RegistryUnusable"])

        cache.unlink()
        followers.look(watch)
        assert followers.handed == [followers.versions[SECOND].version]
    finally:
        server.close()


def _challengers(followers: Followers) -> ModelWatch:
    followed = Followed(followers.registry, "small")
    return ModelWatch(
        followed.challenger,
        followed.load,
        followers.take,
        role="challenger",
        current=None,
        every_s=5.0,
        refused=followers.refused.append,
        timer=lambda: followers.now,
    )


def test_a_challenger_comes_and_goes(followers: Followers) -> None:
    watch = _challengers(followers)
    followers.look(watch)
    assert followers.handed == []

    for number in (SECOND, THIRD):
        followers.registry.challenge(followers.versions[number], at=NOON)
        followers.look(watch, times=2)
    assert followers.handed == [followers.versions[at].version for at in (SECOND, THIRD)]

    followers.promote(THIRD)
    followers.look(watch, times=2)
    assert followers.handed[2:] == [None]
    assert followers.refused == []


def test_what_is_said_once_is_said_again_when_it_comes_back(followers: Followers, root: Path) -> None:
    watch, pointer = _challengers(followers), root / "small" / "challenger.json"

    with capture_logs() as logs:
        for _ in range(2):
            pointer.write_bytes(b"{")
            followers.look(watch, times=3)
            pointer.unlink()
            followers.look(watch, times=3)

    assert [line["cause"] for line in logs] == ["RegistryDamaged"] * 2
    assert followers.handed == []


def test_the_watch_looks_by_itself_and_neither_a_taker_nor_the_end_waits_for_it(followers: Followers) -> None:
    followed, handover = Followed(followers.registry, "small"), Handover()
    loading, loaded = threading.Event(), threading.Event()

    def load(version: Reference) -> Scorer:
        loading.set()
        assert loaded.wait(60)
        return followed.load(version)

    watch = ModelWatch(
        followed.champion,
        load,
        handover.offer,
        role="champion",
        current=followers.versions[FIRST].version,
        every_s=0.01,
        refused=followers.refused.append,
    )
    taken: list[Scorer] = []

    def takes() -> bool:
        taken.extend(filter(None, [handover.take()]))
        return bool(taken)

    with watch:
        followers.promote(SECOND)
        assert loading.wait(60)
        assert handover.take() is None
        loaded.set()
        wait_until(takes, within_s=30, what="nothing was handed over")
        assert handover.take() is None

        loading.clear()
        loaded.clear()
        followers.promote(THIRD)
        assert loading.wait(60)
    loaded.set()
    assert [scorer.version for scorer in taken] == [followers.versions[SECOND].version]


def test_of_several_scorers_that_nobody_took_the_last_one_counts(models: list[Path]) -> None:
    handover = Handover()
    scorers = [load_scorer(model) for model in models]

    for scorer in scorers:
        handover.offer(scorer)

    assert handover.take() is scorers[-1]
    assert handover.take() is None


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("small", "small"),
        ("small@champion", "small"),
        ("small@", "small"),
        ("small@challenger", None),
        ("small@0123456789ab", None),
    ],
)
def test_only_a_name_without_a_version_follows_the_champion(reference: str, name: str | None) -> None:
    assert followed_name(reference) == name
