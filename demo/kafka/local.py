"""Apache Kafka on this machine: one node from Maven's jars, for tests and for development."""

from __future__ import annotations

import base64
import logging
import shutil
import socket
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from demo.kafka.jars import DEFAULT_CACHE, require_tools, resolve_jars
from demo.kafka.properties import Properties, as_file, single_node, with_listeners
from demo.ports import LOOPBACK, free_ports, require_free
from demo.processes import Child

_LOG_OPTIONS: Final = ("showDateTime=true", "dateTimeFormat=HH:mm:ss.SSS", "showThreadName=false")
_FORMATTING_TIMEOUT_S: Final = 60.0
_STARTING_TIMEOUT_S: Final = 90.0
_STOPPING_TIMEOUT_S: Final = 10.0
_ANSWER_TIMEOUT_S: Final = 2.0


class LocalKafka:
    """A real broker on 127.0.0.1 in a JVM of its own, with its data in a temporary directory.

    `start` may follow `shut_down` or `kill`: the port and the data stay. `stop` is for good.

    Args:
        jars: The directory that keeps Kafka's jars between runs, filled at the first start.
        port: Where clients connect; None takes a free one.
        directory: Where to make the directory of its data and log; None takes the system's place for such things.
        properties: Of the broker, above those of `single_node`; a further listener, say, or an authorizer. The
            listener at `port` stays, named PLAINTEXT and open to all.
        listeners: Further listeners, with the addresses that clients are told: NAME to (listen, advertised), each
            host:port. Their protocols are for `properties`, in `listener.security.protocol.map`.

    Attributes:
        bootstrap: Where it answers, as host:port.

    Raises:
        ToolMissing: There is no Java 17 or no Maven.
        PortTaken: Somebody listens on `port`.
    """

    def __init__(
        self,
        *,
        jars: Path = DEFAULT_CACHE,
        port: int | None = None,
        directory: Path | None = None,
        properties: Properties | None = None,
        listeners: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        require_tools()
        if port is not None:
            require_free(port)
        self._port: Final = port or free_ports(1)[0]
        self._controller_port: Final = next(free for free in free_ports(2) if free != self._port)
        self._jars: Final = jars
        self._directory: Final = directory
        self._properties: Final = properties or {}
        self._listeners: Final = listeners or {}
        self._home: Path | None = None
        self._jvm: Child | None = None
        self.bootstrap: Final = f"{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Runs the broker and waits until it answers.

        Raises:
            RuntimeError: It runs already.
            JarsUnresolved: Maven did not get the jars.
            ChildFailed: It does not start; quotes the end of its log.
        """
        if self._jvm is not None:
            raise RuntimeError(f"Kafka on {self.bootstrap} runs already")
        libraries = f"{resolve_jars(self._jars)}/*"
        if self._home is None:
            self._home = self._format(libraries)
        self._jvm = Child(
            f"Kafka on {self.bootstrap}",
            [*_java(libraries, self._home), "kafka.Kafka", str(self._home / "server.properties")],
            log=self._home / "kafka.log",
        )
        self._jvm.wait_until(self._answers, doing="while starting", within_s=_STARTING_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """Of the JVM that runs.

        Raises:
            RuntimeError: None runs.
        """
        if self._jvm is None:
            raise RuntimeError(f"Kafka on {self.bootstrap} does not run")
        return self._jvm.pid

    def shut_down(self) -> None:
        """Ends the broker with SIGTERM, as an orderly restart would; its port and data are kept."""
        if self._jvm is not None:
            self._jvm.stop(_STOPPING_TIMEOUT_S)
            self._jvm = None

    def kill(self) -> None:
        """Ends the broker with SIGKILL, as a crash would; its port and data are kept for another `start`."""
        if self._jvm is not None:
            self._jvm.kill()
            self._jvm = None

    def stop(self) -> None:
        """Ends the broker and removes its data; a second time does nothing."""
        try:
            self.shut_down()
        finally:
            if self._home is not None:
                shutil.rmtree(self._home)
                self._home = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _format(self, libraries: str) -> Path:
        """Makes the broker's directory: its properties, and an empty log of a cluster that is only its own."""
        home = Path(tempfile.mkdtemp(prefix="fraud-kafka-", dir=self._directory))
        try:
            node = single_node(
                listen=self.bootstrap, advertised=self.bootstrap, controller=f"{LOOPBACK}:{self._controller_port}"
            )
            properties = {**with_listeners(node, self._listeners), **self._properties, "log.dirs": str(home / "data")}
            file = home / "server.properties"
            file.write_text(as_file(properties))
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            # One argument: an id may begin with a dash.
            tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", str(file)]
            with Child("Kafka's storage tool", [*_java(libraries, home), *tool], log=home / "format.log") as formatting:
                formatting.finish(doing="while making an empty log", within_s=_FORMATTING_TIMEOUT_S)
        except BaseException:
            shutil.rmtree(home)
            raise
        return home

    def _answers(self) -> bool:
        """True once clients can work with it: it listens, and it counts itself among the live brokers."""
        try:
            # Asked first because librdkafka complains about each refused connection.
            socket.create_connection((LOOPBACK, self._port), timeout=_ANSWER_TIMEOUT_S).close()
            client = AdminClient({"bootstrap.servers": self.bootstrap}, logger=logging.getLogger("librdkafka.local"))
            return bool(client.list_topics(timeout=_ANSWER_TIMEOUT_S).brokers)
        except (OSError, KafkaException):
            return False


def _java(libraries: str, home: Path) -> list[str]:
    """The JVM, which keeps every file of its own in the broker's directory: native libraries, and no counters."""
    options = ["-Xmx512m", "-XX:-UsePerfData", f"-Djava.io.tmpdir={home}"]
    options += [f"-Dorg.slf4j.simpleLogger.{option}" for option in _LOG_OPTIONS]
    return ["java", *options, "-cp", libraries]
