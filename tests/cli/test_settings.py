"""Settings: where values come from, who wins, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.settings import SettingsInvalid, environment_name, flatten, load_settings, masked
from tests.harness.fraud import attempt, fraud


def test_flags_beat_the_environment_beats_the_file_beats_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[scorer]\nslot = 1\nbatch_size = 1\nbatch_wait_ms = 1\n")
    monkeypatch.setenv("FRAUD_SCORER__BATCH_SIZE", "2")
    monkeypatch.setenv("FRAUD_SCORER__BATCH_WAIT_MS", "2")

    loaded = load_settings(file, {"scorer": {"batch_wait_ms": "3"}})

    scorer = loaded.settings.scorer
    assert (scorer.group_id, scorer.slot, scorer.batch_size, scorer.batch_wait_ms) == ("fraud-scorer", 1, 2, 3)
    assert loaded.origins == {
        "scorer.slot": f"file {file}",
        "scorer.batch_size": "environment FRAUD_SCORER__BATCH_SIZE",
        "scorer.batch_wait_ms": "flag",
    }


def test_fraud_toml_of_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fraud.toml").write_text('[topics]\nverdicts = "rulings"\n')
    monkeypatch.chdir(tmp_path)

    assert load_settings().settings.topics.verdicts == "rulings"


def test_the_names_that_others_rely_on() -> None:
    defaults = {environment_name(name): value for name, value in flatten(load_settings().settings.model_dump()).items()}

    assert {
        "FRAUD_KAFKA__PROPERTIES": {},
        "FRAUD_TOPICS__TRANSACTIONS": "transactions",
        "FRAUD_TOPICS__VERDICTS": "verdicts",
        "FRAUD_TOPICS__DEAD_LETTERS": "transactions.dlq",
        "FRAUD_TOPICS__ALERT_DEAD_LETTERS": "alerts.dlq",
        "FRAUD_SCORER__GROUP_ID": "fraud-scorer",
        "FRAUD_SCORER__SLOT": 0,
    }.items() <= defaults.items()
    assert {
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS",
        "FRAUD_SCORER__BATCH_SIZE",
        "FRAUD_SCORER__BATCH_WAIT_MS",
        "FRAUD_HTTP__PORT",
    } <= defaults.keys()


def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_SCORER__BATCH_SIZE", "-5")
    monkeypatch.setenv("FRAUD_SCORER__BTACH_SIZE", "5")
    monkeypatch.setenv("FRAUD_SCROER__SLOT", "1")
    monkeypatch.setenv("FRAUD_SCORER_SLOT", "1")
    monkeypatch.setenv("FRAUD_HTTP__PORT", "many")
    monkeypatch.setenv("FRAUD_TOPICS__VERDICTS", "transactions")
    monkeypatch.setenv("FRAUD_ALERTS__SMS__ACCOUNT_SID", "AC1")

    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()

    for said in (
        'scorer.batch_size = "-5" (from the environment FRAUD_SCORER__BATCH_SIZE)',
        "scorer.btach_size (from the environment FRAUD_SCORER__BTACH_SIZE): there is no such setting",
        "FRAUD_SCROER__SLOT (from the environment): there is no section 'scroer'; did you mean 'scorer'?",
        "FRAUD_SCORER_SLOT (from the environment): there is no such setting; did you mean 'FRAUD_SCORER__SLOT'?",
        'http.port = "many"',
        "used twice: transactions",
        "alerts.sms.auth_token is missing (set FRAUD_ALERTS__SMS__AUTH_TOKEN)",
    ):
        assert said in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["enable.auto.commit", "isolation.level", "transactional.id", "enable.idempotence", "group.id"]
)
def test_what_exactly_once_rests_on_is_not_for_configuration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_KAFKA__PROPERTIES", json.dumps({name: "x"}))

    with pytest.raises(SettingsInvalid, match=f"not to be set here: {name} "):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FRAUD_KAFKA__PROPERTIES", '{"sasl.password": "hunter2"'),
        ("FRAUD_KAFKA__PROPERTIES", '{"sasl.password": ["hunter2"]}'),
        ("FRAUD_KAFKA", '{"properties": {"sasl.password": "hunter2"}'),
        ("FRAUD_ALERTS", '{"sms": {"auth_token": "hunter2"}'),
        ("FRAUD_ALERTS__EMAIL", '{"host": "h", "password": "hunter2",'),
        ("FRAUD_ALERTS__WEBHOOK", '"hunter2"'),
        ("FRAUD_ALERTS__WEBHOOK__SECRET", "hunter2"),
        ("FRAUD_ALERTS__SMS__TO", "hunter2"),
        ("FRAUD_ALERTS__EMAIL__TO", "hunter2"),
    ],
)
def test_no_secret_and_no_person_stands_in_an_error(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()

    assert "hunter2" not in str(refusal.value)


def test_config_show_says_values_and_origins_and_masks_secrets(tmp_path: Path) -> None:
    env = {
        "FRAUD_KAFKA__PROPERTIES": '{"sasl.username": "bank", "sasl.password": "hunter2"}',
        "FRAUD_SCORER__SLOT": "4",
    }

    shown = json.loads(fraud("config", "show", "--json", "--set", "scorer.batch_size=9", env=env))
    table = fraud("config", "show", env=env)

    assert shown["scorer.slot"] == {"value": 4, "from": "environment FRAUD_SCORER__SLOT"}
    assert shown["scorer.batch_size"] == {"value": 9, "from": "flag"}
    assert shown["scorer.group_id"] == {"value": "fraud-scorer", "from": "default"}
    assert shown["kafka.properties.sasl.username"]["value"] == "bank"
    assert "hunter2" not in json.dumps(shown) + table
    assert "scorer.batch_wait_ms" in table


def test_masking_is_by_name_and_type() -> None:
    assert masked("kafka.properties.sasl.password", "hunter2") == "********"
    assert masked("kafka.properties.sasl.mechanism", "PLAIN") == "PLAIN"


@pytest.mark.parametrize(
    ("text", "named"),
    [("scorer = [", "is not TOML"), ("[scorer]\nslots = 1\n", "scorer.slots"), (None, "cannot be read")],
)
def test_a_bad_file_is_one_line_and_exit_status_2(text: str | None, named: str, tmp_path: Path) -> None:
    file = tmp_path / "fraud.toml"
    if text is not None:
        file.write_text(text)

    done = attempt("config", "show", "--config", file)

    assert done.returncode == 2
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def test_set_reaches_every_setting() -> None:
    shown = json.loads(
        fraud(
            *("config", "show", "--json"),
            *("--set", "kafka.properties.linger.ms=7"),
            *("--set", "scorer.slot=3"),
            *("--set", 'alerts.email={"host": "h", "sender": "a@b.example", "to": ["c@d.example"]}'),
        )
    )

    assert shown["kafka.properties.linger.ms"] == {"value": "7", "from": "flag"}
    assert shown["scorer.slot"] == {"value": 3, "from": "flag"}
    assert shown["alerts.email.host"] == {"value": "h", "from": "flag"}
