"""`python -m demo` as a newcomer runs it: it ends by itself, its counts tie, and nothing is left of it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.inboxes import CHANNELS
from demo.kafka.jars import missing_tools
from tests.harness.broker import JARS
from tests.harness.fraud import clean_environment, fraud
from tests.harness.waiting import wait_until

DEMO = (sys.executable, "-m", "demo")
TIMEOUT_S = 300


def test_the_counts_tie_and_nothing_is_left(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--transactions", "2500"],
        cwd=tmp_path,
        # Settings of a real system in the shell must not reach the demo.
        env={**clean_environment(None), "FRAUD_TOPICS__VERDICTS": "production", "AWS_PROFILE": "production"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = counts_in(done.stdout)
    assert counts["transactions"] == counts["verdicts"] == 2500
    frauds = frauds_in(done.stdout)
    assert frauds > 0
    told = {channel: counts[f"told by {channel}"] + in_digests(channel, done.stdout) for channel in CHANNELS}
    assert told == dict.fromkeys(CHANNELS, frauds)
    assert counts["told by webhook"] == frauds  # a limit of text messages holds nothing else back
    assert re.search(r"precision +│ +[01]\.\d{3}", done.stdout)
    assert re.search(r"recall +│ +[01]\.\d{3}", done.stdout)
    assert re.search(r"latency p99 +│ +\d+ ms", done.stdout)
    assert "It is for a first look" in done.stdout
    assert done.stderr == ""
    assert_nothing_is_left(tmp_path, done.stdout)


@pytest.mark.kafka
def test_on_a_real_kafka_a_file_of_ones_own_ties_too(tmp_path: Path) -> None:
    if missing_tools():
        pytest.skip(f"BROKER=kafka needs {' and '.join(missing_tools())}")
    data = tmp_path / "mine.csv.gz"
    fraud("simulate", "--out", data, "--seed", "11", "--customers", "150")
    room = tmp_path / "room"
    room.mkdir()
    done = subprocess.run(
        [*DEMO, "--data", "../mine.csv.gz", "--broker", "kafka", "--jars", str(JARS), "--transactions", "2000"],
        cwd=room,
        env=clean_environment(None),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = counts_in(done.stdout)
    assert counts["transactions"] == counts["verdicts"] == 2000
    assert "The counts tie" in done.stdout
    assert_nothing_is_left(room, done.stdout)


@pytest.mark.parametrize(
    ("number", "after"),
    [(signal.SIGTERM, "Learning ..."), (signal.SIGINT, "Started fraud score")],
    ids=["early", "late"],
)
def test_an_interruption_ends_everything(tmp_path: Path, number: signal.Signals, after: str) -> None:
    output = tmp_path / "output.txt"
    room = tmp_path / "room"
    room.mkdir()
    with output.open("w") as file:
        demo = subprocess.Popen([*DEMO], cwd=room, env=clean_environment(None), stdout=file, stderr=file)
    try:
        wait_until(
            lambda: after in output.read_text() or demo.poll() is not None,
            within_s=TIMEOUT_S,
            what=f"the demo does not say {after!r}",
        )
        assert demo.poll() is None, output.read_text()
        demo.send_signal(number)
        assert demo.wait(60) == 128 + number
    finally:
        demo.kill()
        demo.wait()
    assert f"ended by {number.name}" in output.read_text()
    assert_nothing_is_left(room, output.read_text())


def test_a_file_that_is_not_there_is_for_the_user_to_mend(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--data", "nowhere.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "error: data file 'nowhere.csv' does not exist: give the path of a CSV or Parquet file\n"
    assert list(tmp_path.iterdir()) == []


def counts_in(text: str) -> dict[str, int]:
    """The summary's first two columns."""
    rows = re.findall(r"^│ ([a-z ]+?) +│ +([\d,]+) │", text, re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in rows}


def frauds_in(text: str) -> int:
    found = re.search(r"verdicts +│ +[\d,]+ │ ([\d,]+) of them fraud", text)
    assert found is not None, text
    return int(found.group(1).replace(",", ""))


def in_digests(channel: str, text: str) -> int:
    """Frauds that a digest counted, as the summary says beside those that were told of by themselves."""
    found = re.search(rf"told by {channel} .*, ([\d,]+) more in", text)
    return 0 if found is None else int(found.group(1).replace(",", ""))


def assert_nothing_is_left(folder: Path, text: str) -> None:
    assert list(folder.iterdir()) == []
    assert processes_in(folder) == []
    for host, port in re.findall(r"broker at ([\d.]+):(\d+)", text):
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0


def processes_in(folder: Path) -> list[int]:
    """Processes that work below the folder, as all of the demo's children do; known on Linux only."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            directory = (entry / "cwd").readlink()
        except OSError:
            continue
        if str(directory).startswith(str(folder)):
            found.append(int(entry.name))
    return found
