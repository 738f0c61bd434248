"""A real broker that asks who one is and grants nothing by itself: SCRAM and PLAIN over TLS, and mutual TLS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import trustme
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from demo.kafka.jars import missing_tools
from demo.kafka.local import LocalKafka
from demo.ports import LOOPBACK, free_ports
from stream.acls import Grant
from tests.harness.broker import JARS
from tests.harness.waiting import wait_until

PASSWORD: Final = "correct horse battery staple"
PLAIN_USER: Final = "plain"

_ITERATIONS: Final = 4096


@dataclass(frozen=True)
class SecuredKafka:
    """A broker with three doors; every door but the first asks who comes in.

    Attributes:
        bootstrap: The door of the broker's own people: plaintext, and everything is granted.
        sasl: TLS, and a user's password.
        mutual: TLS, and a client's certificate.
        directory: Where certificates are.
        authority: Whose certificates the broker trusts.
    """

    bootstrap: str
    sasl: str
    mutual: str
    directory: Path
    authority: trustme.CA

    @property
    def ca_file(self) -> Path:
        """The authority that the broker's and the clients' certificates are of."""
        return self.directory / "ca.pem"

    def add_user(self, name: str, mechanism: ScramMechanism = ScramMechanism.SCRAM_SHA_512) -> dict[str, str]:
        """A user with `PASSWORD`; what `fraud` needs to come in as that user."""
        admin = self._admin()
        credential = ScramCredentialInfo(mechanism, _ITERATIONS)
        added = UserScramCredentialUpsertion(name, credential, PASSWORD.encode(), b"salt of the test")
        for future in admin.alter_user_scram_credentials([added]).values():
            future.result()
        wait_until(lambda: self._knows(admin, name), within_s=15, what=f"the broker does not know user {name}")
        return {
            "FRAUD_KAFKA__BOOTSTRAP_SERVERS": self.sasl,
            "FRAUD_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "FRAUD_KAFKA__SASL_MECHANISM": mechanism.name.replace("_", "-"),
            "FRAUD_KAFKA__SASL_USERNAME": name,
            "FRAUD_KAFKA__SASL_PASSWORD_FILE": str(self.directory / "password"),
            "FRAUD_KAFKA__CA_FILE": str(self.ca_file),
        }

    def certificate(self, name: str, authority: trustme.CA | None = None) -> tuple[str, dict[str, str]]:
        """The principal of a client with a certificate, and what `fraud` needs to come in as it."""
        issued = (authority or self.authority).issue_cert(
            f"{name}.example", common_name=name, organization_name="Bank", organization_unit_name="Fraud, cards"
        )
        chain, key = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        env = {
            "FRAUD_KAFKA__BOOTSTRAP_SERVERS": self.mutual,
            "FRAUD_KAFKA__SECURITY_PROTOCOL": "SSL",
            "FRAUD_KAFKA__CA_FILE": str(self.ca_file),
            "FRAUD_KAFKA__CERTIFICATE_FILE": str(chain),
            "FRAUD_KAFKA__KEY_FILE": str(key),
        }
        return f"User:CN={name},OU=Fraud\\, cards,O=Bank", env

    def grant(self, grants: Iterable[Grant]) -> None:
        """Grants exactly these, as an operator would."""
        admin = self._admin()
        for future in admin.create_acls([_binding(grant) for grant in grants]).values():
            future.result()

    def take_away(self, grants: Iterable[Grant]) -> None:
        """Takes these grants away again."""
        admin = self._admin()
        for future in admin.delete_acls([_filter(grant) for grant in grants]).values():
            assert len(future.result()) == 1

    def _admin(self) -> AdminClient:
        """Of the broker's own people; to be kept until its futures are done."""
        return AdminClient({"bootstrap.servers": self.bootstrap})

    def _knows(self, admin: AdminClient, user: str) -> bool:
        described = admin.describe_user_scram_credentials([user])
        assert isinstance(described, dict)
        return described[user].exception() is None


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """A broker of its own, for as long as the block lasts; skips the test where none can be had from jars.

    Args:
        directory: For certificates.
    """
    if missing_tools():
        pytest.skip(f"a broker of the test's own needs {' and '.join(missing_tools())}")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    (directory / "password").write_text(f"{PASSWORD}\n")
    own = authority.issue_cert(LOOPBACK, "localhost")
    store = directory / "broker.pem"
    key = load_pem_private_key(own.private_key_pem.bytes(), None)
    # The one form of a key that the broker reads.
    store.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + b"".join(blob.bytes() for blob in own.cert_chain_pems)
    )
    sasl, mutual = (f"{LOOPBACK}:{port}" for port in free_ports(2))
    login = "org.apache.kafka.common.security"
    properties = {
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # Whoever comes in at the plaintext door, and the node itself.
        "super.users": "User:ANONYMOUS",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(directory / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.sasl.sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        "listener.name.sasl.scram-sha-256.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
        "listener.name.sasl.plain.sasl.jaas.config": (
            f'{login}.plain.PlainLoginModule required user_{PLAIN_USER}="{PASSWORD}";'
        ),
    }
    listeners = {"SASL": (sasl, sasl), "MUTUAL": (mutual, mutual)}
    with LocalKafka(jars=JARS, properties=properties, listeners=listeners) as broker:
        yield SecuredKafka(broker.bootstrap, sasl, mutual, directory, authority)


def _binding(grant: Grant) -> AclBinding:
    return AclBinding(*_parts(grant))


def _filter(grant: Grant) -> AclBindingFilter:
    return AclBindingFilter(*_parts(grant))


def _parts(grant: Grant) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        ResourceType[grant.resource.upper().replace("-", "_")],
        grant.name,
        ResourcePatternType[grant.pattern.upper()],
        grant.principal,
        "*",
        AclOperation[grant.operation.upper()],
        AclPermissionType.ALLOW,
    )
