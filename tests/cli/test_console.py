"""Where log lines go, as several processes that share a stderr see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.harness.fraud import clean_environment


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="only Linux tells where one write ends and the next begins")
def test_a_log_line_is_one_write() -> None:
    program = """
        import structlog
        from cli.console import configure_logging
        from stream.settings import LogSettings

        configure_logging(LogSettings(format="json"))
        structlog.get_logger().info("first", slot=1)
        structlog.get_logger().warning("second", slot=1)
    """
    # As in a container: nothing between a write and the pipe, and the pipe keeps writes apart.
    reading, writing = os.pipe2(os.O_DIRECT)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        with os.fdopen(writing, "wb") as stderr:
            subprocess.run(
                [sys.executable, "-c", textwrap.dedent(program)],
                env=clean_environment({"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path.cwd())}),
                stderr=stderr,
                check=True,
                timeout=60,
            )
        writes = list(iter(lambda: pipe.read(65_536), b""))

    assert [json.loads(write)["event"] for write in writes] == ["first", "second"]
    assert all(write.endswith(b"\n") for write in writes)
