"""/healthz, /readyz and /metrics, asked over HTTP."""

from __future__ import annotations

import socket
import struct
import urllib.error
import urllib.request

import pytest
from prometheus_client import CollectorRegistry

from stream.health import Health, PortTaken, serving
from stream.metrics import ScorerMetrics
from stream.settings import HttpSettings

ANY_PORT = HttpSettings(port=0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def status(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def test_healthy_while_the_loop_turns_and_ready_when_it_says_so() -> None:
    clock = Clock()
    health = Health(clock, stale_after_s=50)

    with serving(ANY_PORT, health, CollectorRegistry()) as port:
        clock.now = 1000.0
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 503), "waiting for a broker is no illness"
        health.beat()
        health.ready(True)
        assert (status(port, "/healthz"), status(port, "/readyz")) == (200, 200)
        clock.now += 51
        assert (status(port, "/healthz"), status(port, "/readyz")) == (503, 503)
        health.beat()
        assert (status(port, "/healthz"), status(port, "/nothing")) == (200, 404)


def test_every_series_is_there_at_zero_before_the_first_record() -> None:
    registry = CollectorRegistry()
    ScorerMetrics(registry)

    with (
        serving(ANY_PORT, Health(), registry) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer,
    ):
        page = answer.read().decode()

    for line in (
        "fraud_transactions_total 0.0",
        'fraud_verdicts_total{verdict="fraud"} 0.0',
        'fraud_verdicts_total{verdict="legitimate"} 0.0',
        'fraud_dead_letters_total{reason="not_json"} 0.0',
        'fraud_batch_commits_total{outcome="aborted"} 0.0',
        "fraud_batch_size_count 0.0",
        "fraud_scoring_seconds_count 0.0",
        "fraud_event_to_verdict_seconds_count 0.0",
    ):
        assert line in page


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=str(port)),
            serving(HttpSettings(), Health(), CollectorRegistry(), default_port=port),
        ):
            pass


def test_a_probe_that_hangs_up_leaves_no_stack_trace(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(ANY_PORT, Health(), CollectorRegistry()) as port:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                probe.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert status(port, "/healthz") == 200

    assert "Traceback" not in capfd.readouterr().err
