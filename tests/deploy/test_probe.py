"""The probe of the health checks, against the server that it asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import CollectorRegistry

from stream.health import Health, serving
from stream.settings import HttpSettings

PROBE: Final = Path(__file__).parents[2] / "deploy" / "probe.py"


def probe(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROBE, *arguments], env=env, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def health() -> Health:
    return Health()


def test_it_asks_its_own_process_and_no_proxy(health: Health) -> None:
    with serving(HttpSettings(port=0), health, CollectorRegistry()) as port:
        done = probe(FRAUD_HTTP__PORT=str(port), http_proxy="http://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_asks_for_the_page_that_it_is_given_and_says_what_it_answered(health: Health) -> None:
    with serving(HttpSettings(port=0), health, CollectorRegistry()) as port:
        done = probe(f"http://127.0.0.1:{port}/readyz")
    assert (done.returncode, done.stderr) == (1, "503 not ready\n")


def test_nobody_there_is_a_refusal() -> None:
    with serving(HttpSettings(port=0), Health(), CollectorRegistry()) as port:
        pass
    done = probe(f"http://127.0.0.1:{port}/")
    assert done.returncode == 1
    assert "refused" in done.stderr
