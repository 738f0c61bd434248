"""`python -m demo.kafka`: a real broker by hand, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo.kafka.jars import DEFAULT_CACHE, KAFKA_VERSION
from demo.kafka.local import LocalKafka
from model.errors import Mendable

USAGE_ERROR = 2


def main(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where clients connect.")] = 9092,
    jars: Annotated[Path, typer.Option(help="Where Kafka's jars are kept.")] = DEFAULT_CACHE,
) -> None:
    """Runs Apache Kafka on 127.0.0.1 until Ctrl-C; its data goes with it."""
    out, err = Console(), Console(stderr=True)
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        broker = LocalKafka(jars=jars, port=port)
        with err.status(f"starting Apache Kafka {KAFKA_VERSION} (the first time fetches 44 MB from Maven Central)"):
            broker.start()
    except Mendable as refusal:
        err.print(str(refusal), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(USAGE_ERROR)
    try:
        out.print(f"Apache Kafka {KAFKA_VERSION} answers at {broker.bootstrap}. In another terminal:")
        out.print(f"    export FRAUD_KAFKA__BOOTSTRAP_SERVERS={broker.bootstrap}")
        out.print("    fraud topics create")
        out.print("Ctrl-C ends it and removes its data.")
        end.wait()
    finally:
        broker.stop()


if __name__ == "__main__":
    typer.run(main)
