"""Settings: where values come from, who wins, and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerting.settings import AlertSettings
from cli.secrets import secret_names
from cli.settings import Settings, SettingsInvalid, environment_name, flatten, load_settings, masked
from tests.alerting.webhooks import SECRET
from tests.harness.commands import refusal_of, run
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


def test_nor_is_it_under_the_name_that_an_environment_variable_or_another_client_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRAUD_KAFKA__PROPERTIES__ENABLE_AUTO_COMMIT", "true")
    monkeypatch.setenv("FRAUD_KAFKA__PROPERTIES__MAX_IN_FLIGHT", "10")
    monkeypatch.setenv("FRAUD_KAFKA__PROPERTIES__RETRIES", "0")

    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()

    for said in ("offsets are committed with the verdicts", "could change places", "not sent again is lost"):
        assert said in str(refusal.value)


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


SASL = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "SCRAM-SHA-512", "SASL_USERNAME": "bank"}


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that a login takes but its password."""
    for name, value in SASL.items():
        monkeypatch.setenv(f"FRAUD_KAFKA__{name}", value)


def password(loaded: Settings) -> str | None:
    found = loaded.kafka.sasl_password
    return None if found is None else found.get_secret_value()


def test_every_secret_of_every_section_is_known() -> None:
    assert set(secret_names(Settings)) == {
        "kafka.sasl_password",
        "kafka.key_password",
        "alerts.sms.auth_token",
        "alerts.email.password",
        "alerts.webhook.secret",
        "alerts.webhook.secrets.*",
        "alerts.slack.urls.*",
        "alerts.pagerduty.routing_keys.*",
        "alerts.acknowledge.secret",
    }


def test_a_secret_that_the_user_names_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cases"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv("FRAUD_ALERTS__WEBHOOK__SECRETS__CASES_FILE", str(file))

    webhook = load_settings().settings.alerts.webhook

    assert webhook is not None
    assert {name: secret.get_secret_value() for name, secret in webhook.secrets.items()} == {"cases": SECRET}


def test_no_setting_has_the_name_of_a_secrets_file() -> None:
    fields = {name for section in (Settings, AlertSettings) for name in fields_of(section)}

    assert fields.isdisjoint({f"{secret.rpartition('.')[2]}_file" for secret in secret_names(Settings)})


def fields_of(section: type) -> set[str]:
    """The fields of a section's sections."""
    parts = [field.annotation for field in section.model_fields.values()]  # type: ignore[attr-defined]
    inner = [kind for part in parts for kind in (part, *getattr(part, "__args__", ()))]
    return {name for kind in inner for name in getattr(kind, "model_fields", ())}


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b" hunter2 \n\n", " hunter2 \n"),
        (b"hun\rter2\n", "hun\rter2"),
        ("gr\u00fc\u00df".encode(), "gr\u00fc\u00df"),
    ],
)
def test_a_secret_is_its_file_without_the_newline_at_the_end(
    content: bytes, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    monkeypatch.setenv("FRAUD_KAFKA__SASL_PASSWORD_FILE", str(file))

    loaded = load_settings()

    assert password(loaded.settings) == secret
    assert loaded.origins["kafka.sasl_password"] == f"file {file} (environment FRAUD_KAFKA__SASL_PASSWORD_FILE)"


def test_secrets_stand_in_files_wherever_settings_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {"kafka": "hunter2", "sms": "token", "webhook": SECRET, "mail": "letmein"}.items():
        (tmp_path / name).write_text(content)
    config = tmp_path / "mine.toml"
    config.write_text(
        f"""
        [kafka]
        security_protocol = "SASL_SSL"
        sasl_mechanism = "PLAIN"
        sasl_username = "bank"
        sasl_password_file = "{tmp_path / "other"}"
        [alerts.webhook]
        url = "https://example.com"
        secret_file = "{tmp_path / "webhook"}"
        ca_file = "ca.pem"
        """
    )
    monkeypatch.setenv("FRAUD_KAFKA__SASL_PASSWORD_FILE", str(tmp_path / "kafka"))
    sms = {"account_sid": "AC1", "sender": "Bank", "to": "+15550100", "auth_token_file": str(tmp_path / "sms")}
    monkeypatch.setenv("FRAUD_ALERTS__SMS", json.dumps(sms))
    mail = {"host": "h", "username": "u", "password_file": str(tmp_path / "mail"), "sender": "a@b.example"}

    loaded = load_settings(config, {"alerts": {"email": {**mail, "to": "c@d.example"}}})

    alerts = loaded.settings.alerts
    assert password(loaded.settings) == "hunter2"
    assert alerts.sms is not None
    assert alerts.sms.auth_token.get_secret_value() == "token"
    assert alerts.webhook is not None
    assert alerts.webhook.secret is not None
    assert alerts.webhook.secret.get_secret_value() == SECRET
    assert str(alerts.webhook.ca_file) == "ca.pem"
    assert alerts.email is not None
    assert alerts.email.password is not None
    assert alerts.email.password.get_secret_value() == "letmein"
    assert loaded.origins["alerts.webhook.secret"] == f"file {tmp_path / 'webhook'} (file {config})"
    assert loaded.origins["alerts.email.password"] == f"file {tmp_path / 'mail'} (flag)"


@pytest.mark.usefixtures("login")
def test_a_secret_and_its_file_are_not_both_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('[kafka]\nsasl_password_file = "/run/secrets/kafka"\n')
    monkeypatch.setenv("FRAUD_KAFKA__SASL_PASSWORD", "hunter2")

    with pytest.raises(SettingsInvalid) as refusal:
        load_settings(config)

    assert refusal.value.problem == (
        "kafka.sasl_password (from the environment FRAUD_KAFKA__SASL_PASSWORD) and "
        f"kafka.sasl_password_file (from file {config}) are both set: set one of them"
    )


@pytest.mark.usefixtures("login")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "not UTF-8"),
    ],
)
def test_a_file_without_a_secret_is_refused_with_its_variable_and_path(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("FRAUD_KAFKA__SASL_PASSWORD_FILE", str(file))
    monkeypatch.setenv("FRAUD_SCORER__SLOT", "-1")

    with pytest.raises(SettingsInvalid, match=r"scorer\.slot") as refusal:
        load_settings()

    problem = refusal.value.problem
    assert f'kafka.sasl_password_file = "{file}"' in problem
    assert said in problem
    assert "(from the environment FRAUD_KAFKA__SASL_PASSWORD_FILE)" in problem
    assert "hunter2" not in problem
    assert "needs sasl_password" not in problem


@pytest.mark.parametrize("path", ['{"a": "hunter2"}', "[1]"])
def test_a_path_is_text(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_KAFKA", f'{{"sasl_password_file": {path}}}')

    with pytest.raises(SettingsInvalid, match=r"kafka\.sasl_password_file is no path") as refusal:
        load_settings()

    assert "hunter2" not in str(refusal.value)


def test_config_show_masks_what_a_file_holds_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    env = {f"FRAUD_KAFKA__{name}": value for name, value in SASL.items()}
    env["FRAUD_KAFKA__SASL_PASSWORD_FILE"] = str(tmp_path / "password")

    said = fraud("config", "show", "--json", env=env)

    shown = json.loads(said)["kafka.sasl_password"]
    assert shown["value"] == "********"
    assert shown["from"].startswith(f"file {tmp_path / 'password'} ")
    assert "hunter2" not in said + fraud("config", "show", env=env)


@pytest.mark.parametrize(
    ("assignment", "remedy"),
    [
        ("kafka.sasl_password=hunter2", "FRAUD_KAFKA__SASL_PASSWORD_FILE"),
        ("kafka.key_password=hunter2", "FRAUD_KAFKA__KEY_PASSWORD_FILE"),
        ("alerts.sms.auth_token=hunter2", "FRAUD_ALERTS__SMS__AUTH_TOKEN_FILE"),
        ('alerts.email={"password": "hunter2"}', "FRAUD_ALERTS__EMAIL__PASSWORD_FILE"),
        ("kafka.properties.sasl.password=hunter2", "FRAUD_KAFKA__SASL_PASSWORD_FILE"),
        ('kafka.properties={"ssl.keystore.password": "hunter2"}', "FRAUD_KAFKA__PROPERTIES"),
        ("kafka.properties.ssl.key.pem=hunter2", "FRAUD_KAFKA__PROPERTIES"),
    ],
)
def test_a_secret_is_not_taken_from_the_arguments(assignment: str, remedy: str) -> None:
    said = refusal_of("config", "show", "--set", assignment)

    assert remedy in said
    assert "to everybody who lists processes" in said
    assert "hunter2" not in said


def test_where_a_secret_is_may_be_said_in_the_arguments(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2")
    given = [f"kafka.{name.lower()}={value}" for name, value in SASL.items()]
    given += [f"kafka.sasl_password_file={tmp_path / 'password'}"]
    given += ["kafka.properties.ssl.certificate.location=a.pem", "kafka.properties.ssl.key.location=a.key"]

    shown = json.loads(run("config", "show", "--json", *(word for one in given for word in ("--set", one))))

    assert shown["kafka.sasl_password"] == {"value": "********", "from": f"file {tmp_path / 'password'} (flag)"}
    assert shown["kafka.properties.ssl.key.location"] == {"value": "a.key", "from": "flag"}


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
