"""What the user can mend is one line that names the thing, the value and the remedy, and exit status 2."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.harness.fraud import FRAUD, FraudProcess, attempt, clean_environment
from tests.harness.topics import new_stream
from tests.harness.waiting import wait_until

NO_BROKER = {"FRAUD_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "FRAUD_HTTP__PORT": "0"}


def refused(*arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """The lines on stderr of a command that must be refused; one for each problem."""
    done = attempt(*arguments, env=env)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stderr
    assert errors, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return "\n".join(errors)


def test_a_scorer_without_a_model() -> None:
    assert "--model" in refused("score", env=NO_BROKER)


def test_a_model_directory_that_is_not_there(tmp_path: Path) -> None:
    assert "no-such-model" in refused("score", "--model", tmp_path / "no-such-model", env=NO_BROKER)


@pytest.mark.parametrize("file", ["manifest.json", "serving.npz", "golden.npz", "model.joblib"])
def test_a_model_that_is_truncated_or_altered(file: str, trained_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained_model, model)
    content = (model / file).read_bytes()

    (model / file).write_bytes(content[:-20])
    assert file in refused("score", "--model", model, env=NO_BROKER)

    altered = content.replace(b"threshold", b"threshmld") if file == "manifest.json" else content[:-1] + b"x"
    assert altered != content
    (model / file).write_bytes(altered)
    assert file in refused("score", "--model", model, env=NO_BROKER)


def test_wrong_settings_are_all_said(trained_model: Path) -> None:
    env = {**NO_BROKER, "FRAUD_SCORER__SLOT": "-1", "FRAUD_SCORER__BATCH_SIZE": "0"}

    said = refused("score", "--model", trained_model, env=env)

    assert said.count("\n") == 2
    assert "scorer.slot" in said
    assert "scorer.batch_size" in said


def test_a_port_that_another_process_has(trained_model: Path, tmp_path: Path) -> None:
    with FraudProcess("score", "--model", trained_model, env=NO_BROKER, log=tmp_path / "log") as first:
        wait_until(
            lambda: any("port" in line for line in first.log_lines()), within_s=60, what="no port is listened on"
        )
        port = next(str(line["port"]) for line in first.log_lines() if "port" in line)
        said = refused("score", "--model", trained_model, env={**NO_BROKER, "FRAUD_HTTP__PORT": port})

    assert port in said
    assert "FRAUD_HTTP__PORT" in said


def test_an_unreachable_broker_is_said_within_ten_seconds_and_sigterm_ends_the_waiting(
    trained_model: Path, tmp_path: Path
) -> None:
    with FraudProcess("score", "--model", trained_model, env=NO_BROKER, log=tmp_path / "log") as scorer:
        wait_until(
            lambda: any("no Kafka broker answers" in str(line["event"]) for line in scorer.log_lines()),
            within_s=60,
            what="nothing is said of the broker",
        )
        assert scorer.get("/healthz")[0] == 200
        assert scorer.get("/readyz")[0] == 503
        assert scorer.terminate() == 0
    assert "Traceback" not in scorer.log.read_text()


@pytest.mark.kafka
def test_a_missing_topic(kafka: str, trained_model: Path) -> None:
    env = {
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS": kafka,
        "FRAUD_HTTP__PORT": "0",
        "FRAUD_TOPICS__TRANSACTIONS": "never-made",
        "FRAUD_TOPICS__VERDICTS": "nor-this",
    }

    said = refused("score", "--model", trained_model, env=env)

    assert "'never-made'" in said
    assert "'nor-this'" in said
    assert "fraud topics create" in said


@pytest.mark.kafka
def test_topics_are_made_as_asked_and_left_as_they_are(kafka: str) -> None:
    stream = new_stream(kafka, partitions=3)

    again = attempt("topics", "create", "--partitions", "5", "--json", env=stream.env)
    other = attempt("topics", "create", "--partitions", "5", env=stream.env)

    assert again.returncode == other.returncode == 0
    assert f'"topic": "{stream.transactions}", "made": false, "partitions": 3' in again.stdout
    assert f"{stream.transactions} has 3 partitions, not 5" in other.stderr


@pytest.mark.kafka
def test_ctrl_c_ends_a_scorer_as_sigterm_does(kafka: str, trained_model: Path, tmp_path: Path) -> None:
    stream = new_stream(kafka)
    with FraudProcess("score", "--model", trained_model, env=stream.env, log=tmp_path / "log") as scorer:
        scorer.wait_until_ready()
        scorer.process.send_signal(signal.SIGINT)
        assert scorer.process.wait(timeout=30) == 0
    assert scorer.log_lines()[-1]["event"] == "ended cleanly"


def test_help_lists_the_commands() -> None:
    done = subprocess.run([*FRAUD, "--help"], env=clean_environment(None), capture_output=True, text=True, check=True)

    for command in (
        "train",
        "evaluate",
        "explain",
        "models",
        "simulate",
        "produce",
        "score",
        "alert",
        "topics",
        "config",
    ):
        assert command in done.stdout
