"""TLS and logins: what is refused before a broker is asked, and what is said of one that refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from stream import kafka as clients
from stream.errors import BrokerUnreachable, PropertyRefused
from stream.security import CertificateRefused, LoginRefused, exposure
from stream.settings import KafkaSettings
from tests.harness.fraud import attempt, fraud
from tests.harness.secured import PASSWORD, PLAIN_USER, SecuredKafka, secured_kafka

LOGIN = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "scorer", "sasl_password": "hunter2"}
PAIR = {"certificate_file": "a.pem", "key_file": "a.key"}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


def settings(**given: object) -> KafkaSettings:
    return KafkaSettings.model_validate(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (LOGIN, ["sasl_mechanism, sasl_username and sasl_password would not be used"]),
        ({**LOGIN, "security_protocol": "SSL"}, ["sasl_password would not be used: security_protocol is SSL"]),
        ({"ca_file": "ca.pem", "security_protocol": "PLAINTEXT"}, ["ca_file would not be used"]),
        (
            {**LOGIN, **PAIR, "security_protocol": "SASL_PLAINTEXT"},
            ["certificate_file and key_file would not be used: security_protocol is SASL_PLAINTEXT"],
        ),
        (
            {"security_protocol": "SASL_SSL", "key_password": "hunter2", "certificate_file": "a.pem"},
            [
                "SASL_SSL needs sasl_mechanism, sasl_username and sasl_password",
                "certificate_file and key_file are given together",
                "key_password is of no use without key_file",
            ],
        ),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, ["needs sasl_username and sasl_password"]),
        ({"security_protocol": "SSL", "key_file": "a.key"}, ["certificate_file and key_file are given together"]),
        (
            {**LOGIN, "security_protocol": "SASL_SSL", "properties": {"sasl.password": "hunter2", "ssl.ca.pem": "x"}},
            ["sasl_password and properties.sasl.password say the same"],
        ),
        (
            {
                "security_protocol": "SSL",
                "ca_file": "ca.pem",
                "properties": {"ssl.ca.pem": "x", "security.protocol": "SSL"},
            },
            ["ca_file and properties.ssl.ca.pem", "security_protocol and properties.security.protocol"],
        ),
        ({"security_protocol": "TLS"}, ["security_protocol", "'SASL_SSL'"]),
        ({**LOGIN, "security_protocol": "SASL_SSL", "sasl_password": ""}, ["sasl_password", "at least 1"]),
    ],
)
def test_what_is_incomplete_or_cannot_be_meant_is_refused_and_all_of_it_told(
    given: dict[str, object], said: list[str]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        settings(**given)

    text = "; ".join(f"{error['loc']}: {error['msg']}" for error in refusal.value.errors())
    for part in said:
        assert part in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("given", "properties"),
    [
        ({}, {}),
        ({"properties": {"security.protocol": "sasl_ssl"}}, {"security.protocol": "sasl_ssl"}),
        (
            {**LOGIN, "security_protocol": "SASL_SSL", "properties": {"linger.ms": 7}},
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "scorer",
                "sasl.password": "hunter2",
                "linger.ms": 7,
            },
        ),
        (
            {**PAIR, "security_protocol": "SSL", "key_password": "hunter2", "ca_file": "ca.pem"},
            {
                "security.protocol": "SSL",
                "ssl.ca.location": "ca.pem",
                "ssl.certificate.location": "a.pem",
                "ssl.key.location": "a.key",
                "ssl.key.password": "hunter2",
            },
        ),
        # Some of it as settings, the rest as librdkafka's own properties.
        (
            {
                "sasl_password": "hunter2",
                "properties": {"security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN", "sasl.username": "u"},
            },
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "PLAIN",
                "sasl.username": "u",
                "sasl.password": "hunter2",
            },
        ),
        (
            {"security_protocol": "SASL_SSL", "properties": {"sasl.mechanism": "OAUTHBEARER"}},
            {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"},
        ),
    ],
)
def test_settings_become_the_clients_properties(given: dict[str, object], properties: dict[str, object]) -> None:
    made = settings(**given)

    assert made.client_properties == properties
    assert "hunter2" not in repr(made.model_copy(update={"properties": {}}))


@pytest.mark.parametrize(
    ("servers", "properties", "said"),
    [
        ("localhost:9092", {}, None),
        ("127.0.0.1:1,127.8.9.10:2", {}, None),
        ("[::1]:9092", {}, None),
        ("PLAINTEXT://localhost:9092", {}, None),
        ("kafka:9092", {}, "anybody may say to be this client"),
        ("localhost:9092, kafka:9092", {}, "transactions and verdicts travel unencrypted"),
        ("127.0.0.1.example:9092", {}, "travel unencrypted"),
        ("[2001:db8::1]:9092", {}, "travel unencrypted"),
        ("kafka:9092", {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}, "the password, transac"),
        ("kafka:9092", {"security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256"}, "is not sent, but"),
        ("kafka:9092", {"security.protocol": "SSL"}, None),
        ("kafka:9092", {"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"}, None),
    ],
)
def test_what_can_be_read_on_the_way_is_known(servers: str, properties: dict[str, object], said: str | None) -> None:
    told = exposure(servers, properties)

    assert told is None if said is None else said in (told or "")


def test_a_plaintext_broker_on_another_machine_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "CONTACT_TIMEOUT_S", 0.1)
    elsewhere = KafkaSettings(bootstrap_servers="kafka.invalid:9092")

    with capture_logs() as logs:
        assert clients.reach_broker(elsewhere, stop=After(3)) is None

    told = [line for line in logs if "travel unencrypted" in line["event"]]
    assert [line["log_level"] for line in told] == ["warning"]
    assert "FRAUD_KAFKA__SECURITY_PROTOCOL" in told[0]["event"]
    assert len([line for line in logs if "no Kafka broker answers" in line["event"]]) == 3


class After:
    """Stops after so many pauses, none of which it sleeps."""

    def __init__(self, pauses: int) -> None:
        self._left = pauses

    def is_set(self) -> bool:
        return self._left == 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 (the signature is an event's)
        self._left -= 1
        return self.is_set()


@pytest.mark.parametrize("setting", ["ca_file", "certificate_file", "key_file"])
@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_that_is_of_no_use_is_named_with_its_setting(setting: str, content: str | None, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("scorer.example")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    issued.private_key_pem.write_to_path(tmp_path / "a.key")
    bad = tmp_path / "bad"
    if content is not None:
        bad.write_text(content)
    files = {"certificate_file": tmp_path / "a.pem", "key_file": tmp_path / "a.key", setting: bad}

    with pytest.raises(PropertyRefused, match=f"FRAUD_KAFKA__{setting.upper()}") as refusal:
        clients.admin(settings(security_protocol="SSL", **files))

    assert str(bad) in refusal.value.problem


@pytest.mark.parametrize("password", [None, "hunter2"])
def test_a_key_that_stays_locked_is_named(password: str | None, tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("scorer.example")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    issued.private_key_pem.write_to_path(tmp_path / "a.key")
    lock(tmp_path / "a.key")
    files = {"certificate_file": tmp_path / "a.pem", "key_file": tmp_path / "a.key"}

    with pytest.raises(PropertyRefused, match="FRAUD_KAFKA__KEY_") as refusal:
        clients.admin(settings(security_protocol="SSL", key_password=password, **files))

    assert "hunter2" not in str(refusal.value)


def lock(key_file: Path) -> None:
    """Encrypts a key with "open sesame"."""
    key = load_pem_private_key(key_file.read_bytes(), None)
    encryption = BestAvailableEncryption(b"open sesame")
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))


@pytest.mark.kafka
class TestABrokerThatAsksWhoOneIs:
    @pytest.fixture(autouse=True)
    def _short_contact(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clients, "CONTACT_TIMEOUT_S", 1.5)

    def login(self, secured: SecuredKafka, **changed: object) -> KafkaSettings:
        usual = {
            "bootstrap_servers": secured.sasl,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "PLAIN",
            "sasl_username": PLAIN_USER,
            "sasl_password": SecretStr(PASSWORD),
            "ca_file": secured.ca_file,
        }
        return settings(**{**usual, **changed})

    def certified(self, env: dict[str, str], **changed: object) -> KafkaSettings:
        prefix = "FRAUD_KAFKA__"
        return settings(**{**{name.removeprefix(prefix).lower(): value for name, value in env.items()}, **changed})

    def test_lets_in_whom_it_knows(self, secured: SecuredKafka) -> None:
        assert clients.reach_broker(self.login(secured), stop=threading.Event()) is not None
        _, env = secured.certificate("known")
        assert clients.reach_broker(self.certified(env), stop=threading.Event()) is not None
        lock(Path(env["FRAUD_KAFKA__KEY_FILE"]))
        unlocking = self.certified(env, key_password="open sesame")
        assert clients.reach_broker(unlocking, stop=threading.Event()) is not None

    @pytest.mark.parametrize(("mechanism", "user"), [("PLAIN", PLAIN_USER), ("SCRAM-SHA-512", "known")])
    def test_a_wrong_password_is_said_at_once_and_not_shown(
        self, secured: SecuredKafka, mechanism: str, user: str
    ) -> None:
        secured.add_user("known")
        wrong = self.login(secured, sasl_mechanism=mechanism, sasl_username=user, sasl_password="hunter2")

        with pytest.raises(LoginRefused, match="FRAUD_KAFKA__SASL_PASSWORD") as refusal:
            clients.reach_broker(wrong, stop=After(1))

        assert f"'{user}'" in refusal.value.problem
        assert "hunter2" not in str(refusal.value)

    def test_a_broker_of_an_authority_that_is_not_trusted_is_not_talked_to(
        self, secured: SecuredKafka, tmp_path: Path
    ) -> None:
        trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")

        with pytest.raises(CertificateRefused, match=r"broker's certificate is not trusted.*FRAUD_KAFKA__CA_FILE"):
            clients.reach_broker(self.login(secured, ca_file=tmp_path / "other.pem"), stop=After(1))

    def test_a_client_that_the_broker_does_not_trust_is_told_so(self, secured: SecuredKafka) -> None:
        _, env = secured.certificate("stranger", trustme.CA())

        with pytest.raises(CertificateRefused, match="FRAUD_KAFKA__CERTIFICATE_FILE"):
            clients.reach_broker(self.certified(env), stop=After(1))

    def test_a_client_without_a_certificate_is_told_to_have_one(self, secured: SecuredKafka) -> None:
        bare = settings(bootstrap_servers=secured.mutual, security_protocol="SSL", ca_file=secured.ca_file)

        with pytest.raises(CertificateRefused, match="FRAUD_KAFKA__CERTIFICATE_FILE"):
            clients.reach_broker(bare, stop=After(1))

    def test_tls_to_a_broker_without_it_is_named(self, secured: SecuredKafka) -> None:
        misdirected = self.login(secured, bootstrap_servers=secured.bootstrap)

        # Whether the client learns of a listener without TLS, or of a broken handshake, is a matter of moments.
        with pytest.raises(BrokerUnreachable, match=r"(?i)\bSSL\b.*FRAUD_KAFKA__SECURITY_PROTOCOL"):
            clients.reach_broker(misdirected, stop=threading.Event(), give_up_after_s=0.5)

    def test_the_command_ends_with_status_2_and_one_line(self, secured: SecuredKafka) -> None:
        env = {**secured.add_user("known"), "FRAUD_KAFKA__SASL_USERNAME": "unknown"}

        done = attempt("topics", "create", env=env)

        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: the broker refuses the login of 'unknown'")
        assert PASSWORD not in done.stderr

    def test_config_show_tells_where_the_password_is_and_not_what_it_is(self, secured: SecuredKafka) -> None:
        shown = fraud("config", "show", "--json", env=secured.add_user("known"))

        assert f"file {secured.directory / 'password'}" in shown
        assert PASSWORD not in shown
