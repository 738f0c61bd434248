"""`python -m demo.kafka`: a real broker by hand, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.console import err, out, say_error
from demo.kafka.jars import DEFAULT_CACHE, KAFKA_VERSION
from demo.kafka.local import LocalKafka
from model.errors import Mendable

_TO_MEND: Final = 2


def main(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where clients connect.")] = 9092,
    jars: Annotated[Path, typer.Option(help="Where Kafka's jars are kept.")] = DEFAULT_CACHE,
) -> None:
    """Runs Apache Kafka on 127.0.0.1 until Ctrl-C; its data goes with it."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        err.print(
            f"Starting Apache Kafka {KAFKA_VERSION}; the first time it is fetched from Maven Central (44 MB).",
            highlight=False,
            soft_wrap=True,
        )
        with LocalKafka(jars=jars, port=port) as broker:
            out.print(f"Apache Kafka {KAFKA_VERSION} answers at {broker.bootstrap}. In another terminal:")
            out.print(f"    export FRAUD_KAFKA__BOOTSTRAP_SERVERS={broker.bootstrap}")
            out.print("    fraud topics create")
            out.print("Ctrl-C ends it and removes its data.")
            end.wait()
    except Mendable as refusal:
        say_error(str(refusal))
        sys.exit(_TO_MEND)


if __name__ == "__main__":
    typer.run(main)
