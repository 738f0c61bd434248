"""Who the broker is, who we are to it, and what can be read on the way between (pure)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from confluent_kafka import KafkaError

from stream.errors import Mendable

PLAINTEXT: Final = "PLAINTEXT"
_LOGINS: Final = ("SASL_PLAINTEXT", "SASL_SSL")
_ENCRYPTED: Final = ("SSL", "SASL_SSL")

# librdkafka's name of each setting, and others by which it would be told the same.
PROPERTIES: Final[Mapping[str, tuple[str, ...]]] = {
    "security_protocol": ("security.protocol",),
    "sasl_mechanism": ("sasl.mechanism", "sasl.mechanisms"),
    "sasl_username": ("sasl.username",),
    "sasl_password": ("sasl.password",),
    "ca_file": ("ssl.ca.location", "ssl.ca.pem"),
    "certificate_file": ("ssl.certificate.location", "ssl.certificate.pem", "ssl.keystore.location"),
    "key_file": ("ssl.key.location", "ssl.key.pem"),
    "key_password": ("ssl.key.password",),
}
_OF_A_LOGIN: Final = ("sasl_mechanism", "sasl_username", "sasl_password")
_OF_TLS: Final = ("ca_file", "certificate_file", "key_file", "key_password")

# TLS alerts by which a broker says that it does not take the client's certificate, or that it wants one. Since TLS
# 1.3 they come after the handshake, and the client takes them for a broken connection.
_CERTIFICATE_ALERTS: Final = {"42", "43", "44", "45", "46", "48", "116"}
_ALERT: Final = re.compile(r"SSL alert number (\d+)")
_ADDRESS: Final = re.compile(r"^(?:\w+://)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]*))(?::\d+)?$")


class LoginRefused(Mendable):
    """The broker does not take the user, the password or the mechanism."""


class CertificateRefused(Mendable):
    """The broker's certificate is not trusted here, or ours not there."""


def contradictions(given: Collection[str], properties: Mapping[str, object]) -> list[str]:
    """What of the settings is incomplete or cannot be meant, in words; empty where nothing is.

    Args:
        given: Names of the settings of `PROPERTIES` that are set.
        properties: All of librdkafka's that result, those of the settings among them.
    """
    if not given:
        return []  # librdkafka's own properties are librdkafka's to judge
    protocol = str(properties.get("security.protocol", PLAINTEXT)).upper()
    mechanism = properties.get("sasl.mechanism", properties.get("sasl.mechanisms"))
    problems = []
    if protocol not in _LOGINS and (idle := _among(_OF_A_LOGIN, given)):
        problems.append(f"{idle} would not be used: security_protocol is {protocol}, a login takes SASL_SSL")
    if protocol not in _ENCRYPTED and (idle := _among(_OF_TLS, given)):
        problems.append(f"{idle} would not be used: security_protocol is {protocol}, TLS takes SSL or SASL_SSL")
    if protocol in _LOGINS:
        needed = _OF_A_LOGIN if mechanism is None or _by_password(mechanism) else ()
        if absent := [name for name in needed if not _is_told(name, properties)]:
            problems.append(f"security_protocol {protocol} needs {_listed(absent)} as well")
    certificate, key = (_is_told(name, properties) for name in ("certificate_file", "key_file"))
    # A key store holds both.
    if certificate != key and "ssl.keystore.location" not in properties:
        problems.append("certificate_file and key_file are given together or not at all")
    if "key_password" in given and not key:
        problems.append("key_password is of no use without key_file")
    return problems


def said_twice(given: Collection[str], properties: Mapping[str, object]) -> list[str]:
    """Settings that librdkafka's properties say too, in words; empty where none is.

    Args:
        given: Names of the settings of `PROPERTIES` that are set.
        properties: As the user set them.
    """
    return [
        f"{setting} and properties.{name} say the same: set one of them"
        for setting, names in PROPERTIES.items()
        for name in names
        if setting in given and name in properties
    ]


def exposure(bootstrap_servers: str, properties: Mapping[str, object]) -> str | None:
    """What can be read by whoever is on the way to a broker on another machine; None where nothing can.

    Args:
        bootstrap_servers: host:port, comma-separated.
        properties: librdkafka's, all of them.
    """
    protocol = str(properties.get("security.protocol", PLAINTEXT)).upper()
    if protocol in _ENCRYPTED or all(map(_is_loopback, bootstrap_servers.split(","))):
        return None
    if protocol == PLAINTEXT:
        return "transactions and verdicts travel unencrypted, and anybody may say to be this client or the broker"
    if properties.get("sasl.mechanism", properties.get("sasl.mechanisms")) == "PLAIN":
        return "the password, transactions and verdicts travel unencrypted"
    return "the password is not sent, but transactions and verdicts travel unencrypted"


def meaning_of(complaints: Iterable[KafkaError], properties: Mapping[str, object]) -> Mendable | None:
    """What a client that reached no broker complains of, where trying again would not help.

    Args:
        complaints: What it reported.
        properties: librdkafka's, all of them.
    """
    for error in complaints:
        alert = _ALERT.search(error.str())
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 (librdkafka's own code)
            user = properties.get("sasl.username")
            return LoginRefused(
                f"the broker refuses the login{f' of {user!r}' if user else ''} ({error.str()})",
                remedy="mend FRAUD_KAFKA__SASL_USERNAME, FRAUD_KAFKA__SASL_PASSWORD or FRAUD_KAFKA__SASL_MECHANISM, "
                "or make the user on the broker",
            )
        if alert is not None and alert[1] in _CERTIFICATE_ALERTS:
            return CertificateRefused(
                f"the broker does not take this client's certificate, or wants one ({error.str()})",
                remedy="set FRAUD_KAFKA__CERTIFICATE_FILE and FRAUD_KAFKA__KEY_FILE to those of an authority that the "
                "broker trusts",
            )
        if error.code() == KafkaError._SSL:  # noqa: SLF001 (likewise)
            return CertificateRefused(
                f"the broker's certificate is not trusted ({error.str()})",
                remedy="set FRAUD_KAFKA__CA_FILE to the certificate of the broker's authority, and "
                "FRAUD_KAFKA__BOOTSTRAP_SERVERS to names that the certificate holds",
            )
    return None


def _by_password(mechanism: object) -> bool:
    return str(mechanism).startswith(("PLAIN", "SCRAM-"))


def _is_told(setting: str, properties: Mapping[str, object]) -> bool:
    return any(name in properties for name in PROPERTIES[setting])


def _among(names: Iterable[str], given: Collection[str]) -> str:
    return _listed([name for name in names if name in given])


def _listed(names: list[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _is_loopback(address: str) -> bool:
    parts = _ADDRESS.match(address.strip())
    if parts is None:
        return False
    host = parts["six"] or parts["host"] or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
