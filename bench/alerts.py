"""`python -m bench.alerts`: webhook deliveries a second of one alert worker on one core, and how soon people know.

The worker writes every step of every notice to its ledger. The baseline is what one would write without one: the same
bodies, signed and posted by urllib3 from as many threads, and nothing kept.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import urllib3
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from alerting.alert import Alert
from alerting.channels.webhook import signature
from alerting.payloads import alert_payload
from bench.figures import print_line, show
from bench.receiving import Receiving
from demo.kafka.local import LocalKafka
from stream.contracts import SCHEMA_VERSION_HEADER, VERDICT_HEADER, ModelRef, Ruling, Source, Verdict
from stream.settings import TopicSettings
from stream.topics import create_topics, plan_topics
from tests.harness.fraud import FraudProcess

_KEY: Final = b"0123456789abcdef0123456789abcdef"
_AT_ONCE: Final = 16
_PARTITIONS: Final = 4
_LONGEST_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.1
_CORE: Final = 0


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frauds", type=int, default=6_000, help="that wait when the worker starts")
    parser.add_argument("--quiet", type=int, default=400, help="frauds, twenty a second, for the time until told")
    options = parser.parse_args()
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="fraud-bench-")))
        broker = ending.enter_context(LocalKafka())
        receiving = ending.enter_context(Receiving())
        create_topics(
            AdminClient({"bootstrap.servers": broker.bootstrap}),
            plan_topics(TopicSettings(), partitions=_PARTITIONS, replicas=1),
        )
        told_plainly = _plain_rate(receiving, options.frauds)
        sent = _rule(broker.bootstrap, "waiting", options.frauds)
        worker = ending.enter_context(_worker(broker.bootstrap, receiving.url, folder))
        os.sched_setaffinity(worker.process.pid, {_CORE})
        arrivals = _arrived(receiving, sent)
        show(
            "webhook deliveries",
            _rate([arrivals[one] for one in sent]),
            "per second",
            baseline=f"urllib3 from {_AT_ONCE} threads, nothing kept",
            baseline_value=told_plainly,
            cores_of_the_worker=1,
            frauds=len(sent),
        )
        quiet = _rule(broker.bootstrap, "quiet", options.quiet, per_second=20.0)
        arrivals = _arrived(receiving, quiet)
        _show_delays({one: arrivals[one] - at for one, at in quiet.items()})


def _plain_rate(receiving: Receiving, count: int) -> float:
    """Deliveries a second without a ledger."""
    pool = urllib3.PoolManager(maxsize=_AT_ONCE, retries=False)
    bodies = [
        (f"plain-{number}", alert_payload(Alert(_verdict(f"plain-{number}"), "low"), [])) for number in range(count)
    ]

    def post(one: tuple[str, bytes]) -> None:
        name, body = one
        at = int(time.time())
        signed = signature(_KEY, message_id=name, timestamp=at, body=body)
        headers = {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signed}
        assert pool.request("POST", receiving.url, body=body, headers=headers).status == 200

    os.sched_setaffinity(0, {_CORE})
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(post, bodies))
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    arrivals = receiving.arrivals()
    return _rate([arrivals[name] for name, _ in bodies])


def _rate(times: list[float]) -> float:
    """Of the middle four fifths: neither the start nor the last stragglers."""
    ordered = sorted(times)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    return (last - first) / (ordered[last] - ordered[first])


def _worker(bootstrap: str, url: str, folder: Path) -> FraudProcess:
    routes = folder / "alerts.yml"
    routes.write_text(
        "version: 1\n"
        f'receivers: [{{name: desk, webhook: [{{to: "{url}", secret: bench}}]}}]\n'
        "route: {receiver: desk, group_by: [account_id]}\n"
        "limits: {storm: 1000000/1m}\n"
    )
    secret = "whsec_" + base64.b64encode(_KEY).decode()
    return FraudProcess(
        "alert",
        env={
            "FRAUD_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "FRAUD_ALERTS__ROUTES": str(routes),
            "FRAUD_ALERTS__WEBHOOK__SECRETS": json.dumps({"bench": secret}),
            "FRAUD_ALERTS__WEBHOOK__ALLOW": "127.0.0.0/8",
        },
        log=folder / "alert.log",
    )


def _verdict(transaction: str) -> Verdict:
    now = datetime.now(UTC)
    return Verdict(
        transaction_id=transaction,
        account_id=f"account-{transaction}",
        event_time=now,
        amount=12.5,
        currency="EUR",
        verdict=Ruling.FRAUD,
        fraud_probability=0.97,
        threshold=0.5,
        model=ModelRef("bench", "1"),
        source=Source("transactions", 0, abs(hash(transaction))),
        scored_at=now,
    )


def _rule(bootstrap: str, name: str, count: int, per_second: float | None = None) -> dict[str, float]:
    """Writes verdicts; when each was given to the producer."""
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 0})
    # A new producer takes its time to find its way: that is not the alert's.
    producer.produce(TopicSettings().verdicts, b"{}", headers={VERDICT_HEADER: b"legitimate"})
    producer.flush(60)
    given: dict[str, float] = {}
    begun = time.monotonic()
    for number in range(count):
        if per_second is not None:
            time.sleep(max(begun + number / per_second - time.monotonic(), 0.0))
        transaction = f"{name}-{number}"
        value = msgspec.json.encode(_verdict(transaction))
        given[transaction] = time.time()
        headers: list[tuple[str, Any]] = [(VERDICT_HEADER, b"fraud"), (SCHEMA_VERSION_HEADER, b"1")]
        producer.produce(TopicSettings().verdicts, value, transaction, headers=headers)
        producer.poll(0)
    producer.flush(60)
    return given


def _arrived(receiving: Receiving, wanted: Mapping[str, float]) -> dict[str, float]:
    until = time.monotonic() + _LONGEST_S
    while True:
        arrivals = receiving.arrivals()
        if wanted.keys() <= arrivals.keys():
            return arrivals
        if time.monotonic() > until:
            raise SystemExit(f"{len(wanted.keys() - arrivals.keys())} of {len(wanted)} were not told in time")
        time.sleep(_LOOK_EVERY_S)


def _show_delays(delays: Mapping[str, float]) -> None:
    ordered = sorted(delays.values())
    for percent in (50, 99):
        value = statistics.quantiles(ordered, n=100, method="inclusive")[percent - 1] * 1000
        print_line(
            {
                "figure": f"from the verdict's producer to the webhook, p{percent}",
                "value": round(value, 1),
                "unit": "ms",
                "frauds": len(ordered),
                "per_second": 20,
                "cpus": os.cpu_count(),
            }
        )


if __name__ == "__main__":
    main()
