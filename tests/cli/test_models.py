"""`fraud models` as a user runs it, and the commands that take a model by its name."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from model.data.dataset import dataset_from_frame
from model.profile import load_profile
from model.versions.manifest import read_manifest
from model.versions.signing import Signer, new_keys
from tests.harness.commands import invoked, refusal_of, run
from tests.harness.fraud import FraudProcess, attempt
from tests.harness.labelled import PROFILE, labelled_frame
from tests.harness.s3 import CREDENTIALS, S3Server
from tests.harness.small_model import small_model
from tests.harness.waiting import wait_until


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good model, one like it, and one that has learnt nothing; all know the first 1200 minutes."""
    folder = tmp_path_factory.mktemp("models")
    dataset = dataset_from_frame(labelled_frame(1500), PROFILE, need_labels=True, source="table")
    made = {
        "good": small_model(dataset),
        "alike": small_model(dataset, seed=8),
        "bad": small_model(dataset, shuffled=True),
    }
    for name, model in made.items():
        model.save(folder / name)
    return {name: folder / name for name in made}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4000 minutes with labels."""
    file = tmp_path_factory.mktemp("data") / "later.parquet"
    labelled_frame(4000, seed=2).to_parquet(file)
    return file


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty registry that the settings name."""
    monkeypatch.setenv("FRAUD_MODEL__REGISTRY", str(tmp_path / "registry"))
    return tmp_path / "registry"


@pytest.fixture
def champion(place: Path, models: dict[str, Path]) -> str:
    """The version of the good model, which is champion; the others are in the registry too."""
    for model in models.values():
        run("models", "add", model)
    version = read_manifest(models["good"]).version
    run("models", "promote", f"small@{version}")
    return version


def said(*arguments: str | Path) -> Any:
    return json.loads(run(*arguments, "--json"))


def reference(model: Path) -> str:
    return f"small@{read_manifest(model).version}"


def test_models_are_added_listed_and_shown(place: Path, models: dict[str, Path]) -> None:
    manifest = read_manifest(models["good"])

    assert said("models", "add", models["good"]) == {"name": "small", "version": manifest.version, "new": True}
    assert "is there already" in run("models", "add", models["good"])
    (row,) = said("models", "list")
    assert (row["name"], row["version"], row["roles"]) == ("small", manifest.version, [])
    assert row["average_precision"] == manifest.metrics["random_forest"].average_precision
    assert manifest.version in run("models", "list", "small")
    for model in (models["good"], reference(models["good"])):
        shown = said("models", "show", model)
        assert shown["manifest"]["digest"] == manifest.digest
        assert manifest.version in run("models", "show", model)


def test_a_model_says_how_to_make_it_again(models: dict[str, Path], tmp_path: Path) -> None:
    dataset = dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")
    model = small_model(dataset)
    shipped = load_profile("ulb")
    replace(model, profile=shipped).save(tmp_path / "shipped")

    ours, theirs = (said("models", "show", one)["train_again"] for one in (models["good"], tmp_path / "shipped"))

    assert ours == "fraud train DATA --profile small.toml --seed 7 --trees 12 --out DIR"
    assert theirs == "fraud train DATA --profile ulb --seed 7 --trees 12 --out DIR"


def test_one_damaged_version_does_not_hide_the_others(champion: str, place: Path, models: dict[str, Path]) -> None:
    bad = read_manifest(models["bad"]).version
    (place / "small" / "versions" / bad / "manifest.json").write_text("{}")

    rows = {row["version"]: row for row in said("models", "list")}

    assert len(rows) == 3
    assert "manifest.json" in rows[bad]["problem"]
    assert rows[champion]["roles"] == ["champion"]
    assert bad in run("models", "list")


def test_what_differs_between_two_models_is_said(models: dict[str, Path]) -> None:
    found = said("models", "diff", models["good"], models["alike"])["differences"]

    assert found["seed"] == [7, 8]
    assert "recipe.trees" not in found
    assert "metrics.random_forest.average_precision" in found
    assert not any(name.startswith(("files", "digest", "version")) for name in found)
    assert "seed" in run("models", "diff", models["good"], models["alike"])


def test_the_first_champion_needs_no_data(champion: str) -> None:
    (row,) = [row for row in said("models", "list") if row["roles"]]

    assert (row["version"], row["roles"]) == (champion, ["champion"])


def test_a_worse_candidate_is_refused_with_both_figures(champion: str, models: dict[str, Path], data: Path) -> None:
    result = invoked("models", "promote", reference(models["bad"]), "--on", data)

    assert result.exit_code == 1
    assert champion in result.stdout
    assert "average precision" in result.stdout
    assert "2800 rows" in result.stdout
    assert "1200 rows left out" in result.stdout
    assert "is not promoted: average precision is" in result.stderr
    answer = json.loads(invoked("models", "promote", reference(models["bad"]), "--on", data, "--json").stdout)
    assert (answer["promoted"], answer["previous"]) == (False, champion)
    assert (
        answer["comparison"]["champion"]["average_precision"] > answer["comparison"]["candidate"]["average_precision"]
    )
    assert len(said("models", "show", "small")["history"]) == 1


def test_a_candidate_that_is_as_good_is_promoted_and_rolled_back(
    champion: str, models: dict[str, Path], data: Path
) -> None:
    alike = read_manifest(models["alike"]).version

    answer = said("models", "promote", reference(models["alike"]), "--on", data)

    assert (answer["promoted"], answer["objections"]) == (True, [])
    shown = said("models", "show", "small")
    assert (shown["manifest"]["version"], shown["roles"]) == (alike, ["champion"])
    assert shown["history"][1]["comparison"] == answer["comparison"]
    assert f"small@{champion} is the champion again" in run(
        "models", "rollback", "small", "--reason", "too many alarms"
    )
    assert "too many alarms" in run("models", "show", "small")


def test_force_and_reason_go_together_and_are_kept(champion: str, models: dict[str, Path], data: Path) -> None:
    bad = reference(models["bad"])

    assert "--on DATA" in refusal_of("models", "promote", bad)
    assert "go together" in refusal_of("models", "promote", bad, "--force")
    assert "go together" in refusal_of("models", "promote", bad, "--force", "--reason", " ")
    assert "go together" in refusal_of("models", "promote", bad, "--reason", "because")
    assert "is the champion" in run("models", "promote", bad, "--on", data, "--force", "--reason", "the column is gone")
    move = said("models", "show", "small")["history"][1]
    assert (move["by_force"], move["reason"]) == (True, "the column is gone")
    assert move["comparison"]["average_precision"]["high"] < 0


def test_data_that_both_models_know_compare_nothing(champion: str, models: dict[str, Path], tmp_path: Path) -> None:
    labelled_frame(1200).to_parquet(tmp_path / "known.parquet")

    refused = refusal_of("models", "promote", reference(models["alike"]), "--on", tmp_path / "known.parquet")

    assert "0 frauds in 0 rows" in refused
    assert "(1200 rows are not)" in refused


def test_a_challenger_is_set_and_named(champion: str, models: dict[str, Path]) -> None:
    run("models", "challenge", reference(models["alike"]))

    assert said("models", "show", "small@challenger")["roles"] == ["challenger"]


def test_an_evaluation_takes_a_name_and_a_directory_that_exists_wins(
    champion: str, models: dict[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said("evaluate", "small", data)["model"]["version"] == champion
    assert said("evaluate", reference(models["bad"]), data)["model"]["version"] == read_manifest(models["bad"]).version

    monkeypatch.chdir(models["alike"].parent)
    models["alike"].parent.joinpath("small").symlink_to(models["alike"])
    assert said("evaluate", "small", data)["model"]["version"] == read_manifest(models["alike"]).version


def test_an_evaluation_on_what_the_model_knows_is_warned_of(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    labelled_frame(4000, seed=2).iloc[1200:].to_parquet(tmp_path / "later.parquet")

    flattered = invoked("evaluate", models["good"], data, "--json")
    fair = invoked("evaluate", models["good"], tmp_path / "later.parquet", "--json")

    assert json.loads(flattered.stdout)["learnt_from_rows"] == 1200
    assert (
        "1200 of 4000 rows are not later than what the model learnt from (until 2026-01-01 19:59)" in flattered.stderr
    )
    assert json.loads(fair.stdout)["learnt_from_rows"] == 0
    assert fair.stderr == ""


def test_a_scorer_takes_a_name(champion: str, place: Path, tmp_path: Path) -> None:
    env = {"FRAUD_MODEL__REGISTRY": str(place), "FRAUD_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}

    with FraudProcess("score", "--model", "small", env=env, log=tmp_path / "log") as scorer:
        wait_until(
            lambda: any("port" in line for line in scorer.log_lines()), within_s=60, what="no port is listened on"
        )
        _, metrics = scorer.get("/metrics")
        assert f'fraud_model_info{{name="small",version="{champion}"}} 1.0' in metrics
        assert scorer.terminate() == 0


def test_a_flag_names_the_registry_over_the_settings(
    champion: str, models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"

    run("models", "add", models["alike"], "--registry", other)

    assert [row["version"] for row in said("models", "list", "--registry", other)] == [
        read_manifest(models["alike"]).version
    ]
    assert "no champion" in refusal_of("evaluate", "small", data, "--registry", other)
    # A process of its own: it sets up signals and logging.
    assert "no champion" in attempt("score", "--model", "small", "--registry", other).stderr


def test_without_a_registry_it_is_asked_for(models: dict[str, Path], data: Path) -> None:
    assert "FRAUD_MODEL__REGISTRY" in refusal_of("models", "list")
    assert "'small' is no directory" in refusal_of("evaluate", "small", data)


def test_what_the_registry_does_not_have_is_named(champion: str) -> None:
    assert "has no model 'other'" in refusal_of("models", "list", "other")
    assert "small" in refusal_of("models", "show", "other")
    assert "no version 'abc" in refusal_of("models", "promote", "small@abcdefabcdef")
    assert "no champion before" in refusal_of("models", "rollback", "small")


def test_only_what_the_key_signed_is_used_where_the_settings_say_so(
    models: dict[str, Path], data: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = said("models", "keygen", "--out", tmp_path / "keys")
    private, public = Path(made["signing_key_file"]), Path(made["verify_key_file"])
    dataset = dataset_from_frame(labelled_frame(), PROFILE, need_labels=True, source="table")
    small_model(dataset).save(tmp_path / "signed", signer=Signer.from_file(private))
    small_model(dataset).save(tmp_path / "anothers", signer=Signer.from_file(new_keys(tmp_path / "theirs")[0]))
    run("models", "add", models["good"])
    monkeypatch.setenv("FRAUD_MODEL__VERIFY_KEY_FILE", str(public))

    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "is not signed" in refusal_of("evaluate", models["good"], data)
    key = {"FRAUD_MODEL__VERIFY_KEY_FILE": str(public)}
    assert "is not signed" in attempt("score", "--model", models["good"], env=key).stderr
    assert "is not signed" in refusal_of("models", "show", models["good"])
    assert "is not signed" in refusal_of("models", "promote", reference(models["good"]))
    assert "is signed by key" in refusal_of("models", "add", tmp_path / "anothers")
    run("models", "add", tmp_path / "signed")
    run("models", "promote", reference(tmp_path / "signed"))
    assert said("evaluate", "small", data)["model"]["version"] == read_manifest(tmp_path / "signed").version
    assert "is there already" in refusal_of("models", "keygen", "--out", tmp_path / "keys")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.close()


def test_a_registry_in_s3_serves_the_same_commands(
    s3: S3Server, models: dict[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FRAUD_MODEL__REGISTRY", f"s3://{s3.new_bucket()}/fraud")
    monkeypatch.setenv("FRAUD_MODEL__S3_ENDPOINT_URL", s3.url)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for model in ("good", "alike"):
        run("models", "add", models[model])

    run("models", "promote", reference(models["good"]))
    answer = said("models", "promote", reference(models["alike"]), "--on", data)

    assert answer["promoted"]
    assert said("evaluate", "small", data)["model"]["version"] == answer["version"]
    assert list((tmp_path / "cache" / "fraudstream").glob(f"*/small/{answer['version']}/serving.npz"))
    run("models", "rollback", "small")
    assert said("models", "show", "small")["manifest"]["version"] == answer["previous"]


def test_refusals_are_one_line_and_their_exit_status_tells_them_apart(
    champion: str, place: Path, models: dict[str, Path], data: Path
) -> None:
    env = {"FRAUD_MODEL__REGISTRY": str(place)}

    mendable = attempt("models", "show", "other", env=env)
    refused = attempt("models", "promote", reference(models["bad"]), "--on", data, env=env)

    assert (mendable.returncode, refused.returncode) == (2, 1)
    for done in (mendable, refused):
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert done.stderr.startswith("error: ")
