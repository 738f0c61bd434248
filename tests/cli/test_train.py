"""`fraud train` as a user runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.report.document import parse_metrics
from model.versions.loading import load_scorer
from model.versions.manifest import read_manifest
from tests.harness.commands import PROFILE, QUICK, invoked, refusal_of, run
from tests.harness.fraud import attempt, fraud
from tests.harness.labelled import labelled_frame

MEASURES = {"accuracy", "precision", "recall", "f1", "average_precision", "roc_auc", "brier_score", "calibration_error"}
ONE_CORE = {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}


@contextmanager
def bound_to_one_core() -> Iterator[None]:
    """Processes that are started inside run on one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def contents(directory: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


def test_training_reports_to_people(data: Path, profile: Path, tmp_path: Path) -> None:
    said = run("train", data, "--profile", profile, "--out", tmp_path / "model", *QUICK)

    assert "rows: 601, left out: 1 duplicates" in said
    assert "1 risk" in said
    assert all(word in said for word in ("random forest", "logistic regression", "average precision", "roc auc"))
    assert "note: hyper-parameters were not searched, as the budget is 0" in said
    assert f"written to {tmp_path / 'model'}" in said
    assert read_manifest(tmp_path / "model").version in said


def test_training_reports_to_programs(data: Path, profile: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"

    said = json.loads(run("train", data, "--profile", profile, "--out", out, *QUICK, "--json"))

    manifest, metrics = read_manifest(out), parse_metrics((out / "metrics.json").read_bytes())
    assert said["model"] == {"name": "small", "version": manifest.version, "path": str(out)}
    assert (said["threshold"], said["thresholds"]) == (manifest.threshold, manifest.thresholds)
    assert said["thresholds"].keys() == {"f1", "precision:0.9", "alerts:100", "cost:5"}
    (other,) = said["comparison"].values()
    assert set(said["metrics"]) & set(other) >= MEASURES
    assert said["metrics"] == metrics.metrics[said["recipe"]["kind"]].measures()
    assert said["intervals"]["average_precision"]["value"] == said["metrics"]["average_precision"]
    assert said["calibration"]["method"] in {"sigmoid", "isotonic"}
    assert said["calibration"]["error_after"] == metrics.calibration.error_after
    assert [one["policy"] for one in said["decisions"] if one["shipped"]] == ["f1"]
    assert len([one for one in said["candidates"] if one["stage"] == "table"]) == 10
    (chosen,) = (one for one in said["candidates"] if one["chosen"])
    assert (chosen["recipe"], chosen["label"]) == (said["recipe"], metrics.recipe.label)
    assert [one["test"]["name"] for one in said["folds"]] == ["calibration 1", "test"]
    assert said["spread"]["average_precision"]["mean"] == metrics.spread["average_precision"].mean
    assert said["counts"]["rows"] == 601
    assert said["counts"]["left_out"] == {"duplicates": 1}
    assert said["counts"]["missing"] == {"risk": 1}
    assert [said["counts"][name]["rows"] for name in ("training", "calibration 1", "test")] == [480, 90, 120]
    assert {one["kind"] for one in said["warnings"]} >= {"few_frauds", "duplicates"}
    assert said["notes"] == list(metrics.notes)


def test_the_same_data_and_seed_give_the_same_model_on_one_core_as_on_many(
    data: Path, profile: Path, model: Path, tmp_path: Path
) -> None:
    arguments = ("train", data, "--profile", profile, *QUICK, "--out")

    with bound_to_one_core():
        fraud(*arguments, tmp_path / "one-core", env=ONE_CORE)
    run(*arguments, tmp_path / "other", "--seed", "8")

    first, again = contents(model), contents(tmp_path / "one-core")
    assert first.keys() == again.keys()
    # It tells the time.
    assert {name for name in first if first[name] != again[name]} == {"manifest.json"}
    one, two, other = (read_manifest(found).version for found in (model, tmp_path / "one-core", tmp_path / "other"))
    assert one == two != other


def test_the_options_in_the_manifest_make_the_model_again(data: Path, profile: Path, tmp_path: Path) -> None:
    arguments = ("train", data, "--profile", profile)
    options = ("--resampling", "weights", "--threshold", "alerts:5", "--no-refit", "--delay-days", "0.01")
    run(*arguments, "--out", tmp_path / "first", *QUICK, *options)
    made = read_manifest(tmp_path / "first")
    assert made.training.options == {
        "trees": "12",
        "budget": "0.0",
        "folds": "2",
        "known-fraud": "keep",
        "resampling": "weights",
        "threshold": "alerts:5",
        "no-refit": "",
        "delay-days": "0.01",
    }

    again = [part for name, value in made.training.options.items() for part in (f"--{name}", value) if part]
    run(*arguments, "--out", tmp_path / "again", *again)

    assert read_manifest(tmp_path / "again").version == made.version


@pytest.mark.parametrize("policy", ["precision:0.9", "alerts:5", "cost:5"])
def test_the_threshold_is_what_was_asked_for(policy: str, data: Path, profile: Path, tmp_path: Path) -> None:
    said = json.loads(
        run("train", data, "--profile", profile, "--out", tmp_path / "m", *QUICK, "--threshold", policy, "--json")
    )

    assert said["threshold"] == said["thresholds"][policy]
    assert [one["policy"] for one in said["decisions"] if one["shipped"]] == [policy]
    assert load_scorer(tmp_path / "m").threshold == said["threshold"]


@pytest.mark.parametrize(
    ("asked", "in_words"), [("remove", "known by then are not judged"), ("keep", "known by then are judged as well")]
)
def test_what_was_done_about_known_frauds_is_said(
    asked: str, in_words: str, data: Path, profile: Path, tmp_path: Path
) -> None:
    plan = ("--trees", "12", "--budget", "0", "--folds", "2", "--known-fraud", asked)

    run("train", data, "--profile", profile, "--out", tmp_path / "m", *plan)

    assert json.loads((tmp_path / "m" / "metrics.json").read_bytes())["known_fraud"] == asked
    assert in_words in (tmp_path / "m" / "report.html").read_text()


def test_windows_are_as_long_as_asked_for(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame(4000, fraud_share=0.1).assign(
        at=pd.date_range("2026-01-01", periods=4000, freq="15min", tz="UTC"), account=np.arange(4000) % 1500
    )
    frame.to_parquet(tmp_path / "long.parquet")
    plan = ("--budget", "0", "--trees", "9", "--folds", "3")
    lengths = ("--train-days", "9", "--delay-days", "3", "--test-days", "7")

    run("train", tmp_path / "long.parquet", "--profile", profile, "--out", tmp_path / "m", *plan, *lengths)

    windows = {one.name: one for one in read_manifest(tmp_path / "m").training.windows}
    test, training = windows["test"], windows["training"]
    assert list(windows) == ["training", "calibration 1", "calibration 2", "test"]
    assert (test.last - test.first).days == 6
    assert (test.first - training.last).days == 3
    assert (training.last - training.first).days == 8
    said = parse_metrics((tmp_path / "m" / "metrics.json").read_bytes())
    assert (said.delay_days, said.known_fraud) == (3, "remove")
    assert test.known_compromised > 0


def test_the_delay_is_the_profiles_unless_told_otherwise(data: Path, tmp_path: Path) -> None:
    (tmp_path / "slow.toml").write_text("label_delay_days = 0.02" + PROFILE)
    arguments = ("train", data, "--profile", tmp_path / "slow.toml", "--out", tmp_path / "m", *QUICK)

    run(*arguments)
    assert parse_metrics((tmp_path / "m" / "metrics.json").read_bytes()).delay_days == 0.02
    run(*arguments, "--delay-days", "0")
    assert parse_metrics((tmp_path / "m" / "metrics.json").read_bytes()).delay_days == 0


def test_of_a_large_file_a_sample_is_learnt_from(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame(4000)
    frame.to_parquet(tmp_path / "large.parquet")
    arguments = ("train", tmp_path / "large.parquet", "--profile", profile, "--out", tmp_path / "m", *QUICK)

    said = run(*arguments, "--max-rows", "1000")

    data = parse_metrics((tmp_path / "m" / "metrics.json").read_bytes()).data
    frauds = int(frame["fraud"].sum())
    kept = (1000 - frauds) / (4000 - frauds)
    assert data.sampling is not None
    assert (data.rows, data.frauds, data.sampling.rows_in_file) == (4000, frauds, 4000)
    assert data.sampling.legitimate_kept == pytest.approx(kept)
    assert f"{kept:.1%} were kept" in said
    manifest = read_manifest(tmp_path / "m")
    assert manifest.training.learnt_from.rows == 1000
    assert manifest.training.options["max-rows"] == "1000"
    # Measures count for all of the file's last fifth.
    assert json.loads(run("evaluate", tmp_path / "m", tmp_path / "large.parquet", "--json"))["counts"]["rows"] == 4000
    counts = manifest.metrics[manifest.recipe.kind].counts
    judged = counts.true_positives + counts.false_positives + counts.false_negatives + counts.true_negatives
    assert judged == pytest.approx(800, rel=0.1)


def test_suspicious_data_are_warned_of(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame()
    frame.loc[frame.index >= 480, "risk"] += 9
    frame["noise"] = 4.0
    frame.to_parquet(tmp_path / "odd.parquet")

    said = run("train", tmp_path / "odd.parquet", "--profile", profile, "--out", tmp_path / "m", *QUICK)

    warnings = [line for line in said.splitlines() if line.startswith("warning: ")]
    assert any("frauds only" in line for line in warnings)
    assert any("'noise' is 4 in 600 rows" in line for line in warnings)
    assert any("'risk'" in line for line in warnings)


def test_a_leak_is_refused_unless_told_otherwise(profile: Path, tmp_path: Path) -> None:
    frame = labelled_frame()
    frame["noise"] = frame["fraud"] * 2.0
    frame.to_parquet(tmp_path / "leak.parquet")
    arguments = ("train", tmp_path / "leak.parquet", "--profile", profile, "--out", tmp_path / "model", *QUICK)

    assert "'noise'" in refusal_of(*arguments)
    assert not (tmp_path / "model").exists()
    assert "'noise'" in next(line for line in run(*arguments, "--allow-leaks").splitlines() if "warning" in line)
    assert read_manifest(tmp_path / "model").training.options["allow-leaks"] == ""


def test_a_registered_model_is_found_by_its_name(data: Path, profile: Path, tmp_path: Path) -> None:
    registry = ("--set", f"model.registry={tmp_path / 'registry'}")

    said = run("train", data, "--profile", profile, "--register", "--out", tmp_path / "m", *registry, *QUICK)

    version = read_manifest(tmp_path / "m").version
    assert f"written to {tmp_path / 'm'} and added to the registry" in said
    evaluated = json.loads(run("evaluate", f"small@{version}", data, "--json", *registry))
    assert evaluated["model"]["version"] == version


def test_a_registered_model_needs_no_directory(data: Path, profile: Path, tmp_path: Path) -> None:
    registry = ("--set", f"model.registry={tmp_path / 'registry'}")

    said = json.loads(run("train", data, "--profile", profile, "--register", *registry, *QUICK, "--json"))

    assert said["model"]["path"] is None
    (row,) = json.loads(run("models", "list", "--json", *registry))
    assert row["version"] == said["model"]["version"]


def test_what_cannot_be_written_is_refused_before_the_work(data: Path, profile: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()

    assert str(tmp_path) in refusal_of("train", data, "--profile", profile, "--out", tmp_path)
    assert "--out" in refusal_of("train", data, "--profile", profile)
    assert "no registry" in refusal_of("train", data, "--profile", profile, "--register")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_data_that_the_user_can_mend_are_named(data: Path, profile: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "model")
    pd.read_csv(data).assign(fraud=0).to_csv(tmp_path / "honest.csv", index=False)
    pd.read_csv(data).assign(at=range(601)).to_csv(tmp_path / "seconds.csv", index=False)
    pd.read_csv(data).drop(columns=["risk", "account"]).to_csv(tmp_path / "narrow.csv", index=False)
    (tmp_path / "empty.csv").touch()

    assert "nowhere.csv" in refusal_of("train", tmp_path / "nowhere.csv", "--profile", profile, *out)
    assert "empty.csv" in refusal_of("train", tmp_path / "empty.csv", "--profile", profile, *out)
    assert "one class" in refusal_of("train", tmp_path / "honest.csv", "--profile", profile, *out)
    assert "'at' holds numbers" in refusal_of("train", tmp_path / "seconds.csv", "--profile", profile, *out)
    narrow = refusal_of("train", tmp_path / "narrow.csv", "--profile", profile, *out)
    assert "'risk'" in narrow
    assert "'account'" in narrow
    assert "'Class'" in refusal_of("train", data, "--profile", "ulb", *out)
    assert "'nosuch'" in refusal_of("train", data, "--profile", "nosuch", *out)
    assert not (tmp_path / "model").exists()


def test_options_that_make_no_sense_are_named(data: Path, profile: Path, tmp_path: Path) -> None:
    train = ("train", data, "--profile", profile, "--out", tmp_path / "model")
    # Before the file is looked at.
    unread = ("train", tmp_path / "nowhere.csv", "--profile", profile, "--out", tmp_path / "model")
    (tmp_path / "priceless.toml").write_text(PROFILE.replace('amount = "amount"', ""))
    priceless = ("train", data, "--profile", tmp_path / "priceless.toml", "--out", tmp_path / "model")

    assert "'often'" in refusal_of(*unread, "--resampling", "often")
    assert "'seldom'" in refusal_of(*unread, "--threshold", "seldom")
    assert "'precision:2'" in refusal_of(*unread, "--threshold", "precision:2")
    assert "'cost:5' needs amounts" in refusal_of(*priceless, "--threshold", "cost:5")
    assert "1000 days delay" in refusal_of(*train, "--delay-days", "1000")
    hours = pd.date_range("2026-01-01", periods=601, freq="1h", tz="UTC")
    pd.read_csv(data).assign(at=hours, account=1).to_csv(tmp_path / "one.csv", index=False)
    one = ("train", tmp_path / "one.csv", "--profile", profile, "--out", tmp_path / "model")
    assert "has no judged rows after 90 of known compromised accounts were removed" in refusal_of(*one)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("option", [("--folds", "1"), ("--known-fraud", "perhaps"), ("--max-rows", "10")])
def test_options_out_of_range_are_usage_errors(option: tuple[str, str], data: Path, profile: Path) -> None:
    result = invoked("train", data, "--profile", profile, "--out", "model", *option)

    assert result.exit_code == 2
    assert option[0] in result.stderr
    assert result.stdout == ""


def test_a_refusal_is_one_line_and_exit_status_2(profile: Path, tmp_path: Path) -> None:
    done = attempt("train", tmp_path / "nowhere.csv", "--profile", profile, "--out", tmp_path / "model")

    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "nowhere.csv" in done.stderr
