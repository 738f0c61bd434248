"""Every setting of the stream, typed, with its reason. `cli.settings` composes them and says where from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from stream.security import PROPERTIES, contradictions, said_twice
from stream.timeouts import disorder, timeouts

# What exactly-once rests on is not for configuration: each with the reason that its refusal gives.
RESERVED_PROPERTIES: Final = {
    "bootstrap.servers": "set kafka.bootstrap_servers instead",
    "metadata.broker.list": "set kafka.bootstrap_servers instead",
    "group.id": "set scorer.group_id instead",
    "transactional.id": "it is derived from scorer.group_id and scorer.slot",
    "enable.auto.commit": "offsets are committed with the verdicts, in one transaction",
    "enable.auto.offset.store": "offsets are committed with the verdicts, in one transaction",
    "isolation.level": "anything but read_committed reads aborted records and undoes KIP-447",
    "enable.idempotence": "transactions need it",
    "auto.commit.enable": "offsets are committed with the verdicts, in one transaction",
    "delivery.report.only.error": "failures are always reported; what succeeds shows in the commit",
    "acks": "a record counts as written once every copy in sync has it",
    "request.required.acks": "a record counts as written once every copy in sync has it",
    "max.in.flight": "more than five requests on their way could change places",
    "max.in.flight.requests.per.connection": "more than five requests on their way could change places",
    "retries": "a record that is not sent again is lost",
    "message.send.max.retries": "a record that is not sent again is lost",
    "delivery.timeout.ms": "set message.timeout.ms, which is held against the others",
    "metadata.recovery.strategy": "beginning anew makes the client forget what it waits for in a transaction",
    "auto.offset.reset": "a new group starts at the earliest record, and no gap is passed over in silence",
    "group.instance.id": "it is derived from scorer.group_id and scorer.slot (scorer.static_membership)",
    "group.protocol": "the loop rests on the classic protocol",
    "partition.assignment.strategy": "rebalancing is cooperative",
}

PortNumber = Annotated[int, Field(ge=0, le=65535)]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class Section(BaseModel):
    """A part of the settings: unknown names are mistakes, and values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Section):
    """How to reach the broker."""

    bootstrap_servers: str = Field("localhost:9092", min_length=1, description="host:port, comma-separated")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = Field(
        None, description="None is PLAINTEXT, or what the properties say"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = Field(None, min_length=1)
    sasl_password: SecretStr | None = Field(None, min_length=1)
    ca_file: Path | None = Field(None, description="Certificates to trust instead of the system's (PEM)")
    certificate_file: Path | None = Field(None, description="Of this client, for mutual TLS (PEM)")
    key_file: Path | None = Field(None, description="The certificate's private key (PEM)")
    key_password: SecretStr | None = Field(None, min_length=1, description="What the key is encrypted with")
    properties: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Any further librdkafka property, for every client"
    )

    @field_validator("properties")
    @classmethod
    def _keep_the_promise(cls, properties: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        # An environment variable gives a name with underscores, which the client does not know.
        given = {name.lower().replace("_", "."): name for name in properties}
        refused = [f"{given[name]} ({reason})" for name, reason in RESERVED_PROPERTIES.items() if name in given]
        problems = ["not to be set here: " + "; ".join(refused)] if refused else []
        problems += disorder(timeouts(properties))
        if problems:
            raise ValueError("; ".join(problems))
        return properties

    @model_validator(mode="after")
    def _security_is_whole(self) -> KafkaSettings:
        given = {name for name in PROPERTIES if getattr(self, name) is not None}
        problems = said_twice(given, self.properties) or contradictions(given, self.client_properties)
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def client_properties(self) -> dict[str, str | int | float | bool]:
        """librdkafka's properties, all that were set. Secrets are in the clear: for a client, and for nobody else."""
        said = {names[0]: getattr(self, setting) for setting, names in PROPERTIES.items()}
        return {**self.properties, **{name: _plain(value) for name, value in said.items() if value is not None}}


def _plain(value: SecretStr | Path | str) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


class TopicSettings(Section):
    """The topics' names."""

    transactions: TopicName = "transactions"
    verdicts: TopicName = "verdicts"
    dead_letters: Annotated[TopicName, Field(max_length=240)] = "transactions.dlq"  # a longer name derives from it
    alert_dead_letters: TopicName = "alerts.dlq"
    alert_ledger: TopicName = Field("alerts.ledger", description="What became of each notice; compacted")
    alert_silences: TopicName = Field("alerts.silences", description="What people want no notices of; compacted")
    labels: TopicName = Field("labels", description="What people say of alerts: fraud, or not")
    replicas: PositiveInt = Field(1, description="Fewer copies of an output topic than this stop the start")
    shadow_verdicts: TopicName = Field("verdicts.shadow", description="What a challenger, or a rescoring, says")

    @property
    def names(self) -> tuple[str, ...]:
        """Of all topics."""
        return (
            self.transactions,
            self.verdicts,
            self.dead_letters,
            self.alert_dead_letters,
            self.alert_ledger,
            self.alert_silences,
            self.labels,
            self.shadow_verdicts,
            self.replayed_dead_letters,
        )

    @property
    def replayed_dead_letters(self) -> str:
        """Where it is noted which dead letters were sent again, in one transaction with them."""
        return f"{self.dead_letters}.replayed"

    @model_validator(mode="after")
    def _all_different(self) -> TopicSettings:
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each topic needs a name of its own; used twice: {', '.join(twice)}")
        return self


class ModelSettings(Section):
    """Where models are kept, and whose are trusted."""

    registry: str | None = Field(None, min_length=1, description="Directory, or s3://bucket/prefix")
    s3_endpoint_url: str | None = Field(None, description="Of an S3 that is not Amazon's")
    cache: Path | None = Field(
        None, description="Directory for copies of models in S3; None is fraudstream in the user's cache directory"
    )
    verify_key_file: Path | None = Field(
        None, description="Public key (PEM); with it, a model that this key did not sign is refused"
    )
    signing_key_file: Path | None = Field(None, description="Private key (PEM) that new models are signed with")


class BreakerSettings(Section):
    """When reading pauses because too much of what is read cannot be scored."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="More dead letters than this among the records of the window; 1 never pauses"
    )
    records: PositiveInt = Field(1000, description="So many records of the window decide at least")
    window_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    pause_s: Annotated[float, Field(gt=0, le=3600)] = Field(15.0, description="Until it is tried again")


class ScorerSettings(Section):
    """One member of the scoring group."""

    model: str | None = Field(None, description="What scores: directory of a model, or its name in the registry")
    group_id: str = Field("fraud-scorer", min_length=1)
    slot: NonNegativeInt = Field(0, description="Which of the group's workers this is; each needs its own")
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = Field(2_000, description="Records scored at most at once")
    batch_wait_ms: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="Time that a record waits for others at most; 0 takes what is there"
    )
    batch_bytes: PositiveInt = Field(
        16_777_216, description="A batch that holds as much is complete: what bounds memory where records are long"
    )
    max_record_bytes: PositiveInt = Field(1_048_576, description="A longer value is a dead letter")
    static_membership: bool = Field(
        True, description="The slot's partitions wait for its restart, as long as the session; false frees them at once"
    )
    gaps: Literal["stop", "skip"] = Field(
        "stop", description="Records that the broker deleted unread: stop with an error, or count them and go on"
    )
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    watch_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        5.0, description="How often the registry is asked for another champion or challenger"
    )
    shadow: bool = Field(True, description="Whether the registry's challenger scores beside, into its own topic")

    @property
    def transactional_id(self) -> str:
        """Stable for the slot, so that a restarted worker aborts its own orphaned transaction at once."""
        return f"{self.group_id}-{self.slot}"


class HttpSettings(Section):
    """Where /healthz, /readyz and /metrics answer."""

    host: str = Field("127.0.0.1", description="0.0.0.0 to be reached from other machines")
    port: PortNumber | None = Field(
        None, description="0 takes a free one and logs it; None is 9464 for a scorer, 9465 for an alert worker"
    )


class LogSettings(Section):
    """What is logged, to stderr."""

    level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"
    format: Annotated[str, Field(pattern="^(auto|json|console)$")] = Field(
        "auto", description="auto: console on a terminal, JSON lines elsewhere"
    )
