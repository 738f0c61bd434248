"""The properties of a one-node Kafka, whether it runs from jars or in a container (pure)."""

from __future__ import annotations

from collections.abc import Mapping

Properties = Mapping[str, str]


def single_node(*, listen: str, advertised: str, controller: str) -> dict[str, str]:
    """A broker that is its own controller, quick to start and with nothing that needs a second node.

    What clients can notice is left at Kafka's defaults, except that topics are made on purpose only.

    Args:
        listen: host:port to listen on.
        advertised: host:port that clients are told to come back to.
        controller: host:port of the node's own controller listener.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{listen},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{advertised}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@{controller}",
        "auto.create.topics.enable": "false",
        # One node: nothing can have a second replica.
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Fifty partitions each, Kafka's default, cost a laptop seconds at the first commit.
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # A first member need not wait three seconds for others.
        "group.initial.rebalance.delay.ms": "0",
        # A node that was killed waits for the end of its former session, 9 s by default, before it is let in again.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # The default of 128 MB, for compacting large topics, would be half of the heap.
        "log.cleaner.dedupe.buffer.size": str(4 * 1024 * 1024),
    }


def with_listeners(properties: Properties, listeners: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """A broker's properties with further listeners, which speak plaintext unless the caller maps them otherwise.

    Args:
        properties: As `single_node` makes them.
        listeners: NAME to (listen, advertised), each host:port.
    """
    added = {
        "listeners": [f"{name}://{listen}" for name, (listen, _) in listeners.items()],
        "advertised.listeners": [f"{name}://{advertised}" for name, (_, advertised) in listeners.items()],
        "listener.security.protocol.map": [f"{name}:PLAINTEXT" for name in listeners],
    }
    return {**properties, **{name: ",".join([properties[name], *more]) for name, more in added.items()}}


def as_file(properties: Properties) -> str:
    """The text of a `server.properties`."""
    return "".join(f"{name}={value}\n" for name, value in properties.items())


def as_environment(properties: Properties) -> dict[str, str]:
    """The variables that the image `apache/kafka` turns into the same properties."""
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
