"""`python -m bench.sending`: sends the lines of a file at a steady rate, each stamped with the moment it is sent.

The stamp is the number before the `*` of its transaction's id, in nanoseconds of the machine's monotonic clock. A
process of its own, so that who receives does not slow it down.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

from confluent_kafka import Producer

from bench.materials import again

_TICK_S: Final = 0.0005


def main() -> None:
    """Sends, and prints how many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bootstrap", "topic"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--values", required=True, type=Path, help="transactions, one a line")
    for name in ("rate", "seconds"):
        parser.add_argument(f"--{name}", required=True, type=float)
    options = parser.parse_args()
    values = options.values.read_bytes().splitlines()
    producer = Producer(
        {"bootstrap.servers": options.bootstrap, "linger.ms": 0, "queue.buffering.max.messages": 1_000_000}
    )
    producer.list_topics(options.topic, timeout=10)
    sent, whole, started = 0, int(options.rate * options.seconds), time.monotonic()
    while sent < whole:
        due = min(int((time.monotonic() - started) * options.rate), whole)
        for number in range(sent, due):
            producer.produce(options.topic, again(values[number % len(values)], time.monotonic_ns()))
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(_TICK_S)
    taken = time.monotonic() - started
    if left := producer.flush(60):
        sys.exit(f"{left} transactions were not taken")
    print(sent / taken)


if __name__ == "__main__":
    main()
