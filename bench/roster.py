"""Who takes part: how each is made ready and started, and why one cannot be."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]
_FOLDERS: Final = _ROOT / "bench" / "contenders"
_CACHE: Final = _ROOT / ".bench"
_LONGEST_SETUP_S: Final = 900
_LAST_LINES: Final = 3


class CannotRunError(Exception):
    """A contender cannot be made ready, or ends by itself; says why."""


@dataclass(frozen=True)
class Task:
    """What a contender is told.

    Attributes:
        bootstrap: The broker.
        transactions: Read from the earliest offset.
        verdicts: One record for each transaction.
        group: Whose offsets are committed with them.
        materials: The folder of `Materials`.
        batch: Records of a transaction at most.
    """

    bootstrap: str
    transactions: str
    verdicts: str
    group: str
    materials: Path
    batch: int


@dataclass(frozen=True)
class Contender:
    """One of them.

    Attributes:
        name: In the figures.
        title: For people.
        scores: Whether it looks at what it reads.
        onnx: Whether it reads `forest.onnx`.
        batch: Its own bound of a batch; None takes the run's.
        folder: In bench/contenders; None where it is called as the contender.
        options: That it is started with besides what all are.
    """

    name: str
    title: str
    scores: bool = True
    onnx: bool = False
    batch: int | None = None
    folder: str | None = None
    options: tuple[str, ...] = ()


OURS: Final = Contender("ours", "fraudstream")
CEILING: Final = Contender("ceiling", "ceiling: our loop, copying bytes", scores=False)
ROSTER: Final = (
    CEILING,
    OURS,
    Contender("sklearn_batched", "confluent-kafka and scikit-learn, batched"),
    Contender("sklearn_single", "confluent-kafka and scikit-learn, a record at a time", batch=100),
    Contender("quix", "Quix Streams and ONNX Runtime", onnx=True),
    Contender("quix_whole", "Quix Streams, past its own API", onnx=True, folder="quix", options=("--whole",)),
    Contender("faust", "Faust-streaming and ONNX Runtime", onnx=True),
    Contender("kafka_streams", "Kafka Streams (JVM) and ONNX Runtime", onnx=True),
)


Command = Callable[[Task], tuple[list[str], dict[str, str]]]


def cache() -> Path:
    """The directory of what takes minutes and is made once: virtual environments of contenders, and forests."""
    _CACHE.mkdir(exist_ok=True)
    (_CACHE / ".gitignore").write_text("*\n")
    return _CACHE


def made_ready(contender: Contender, materials: Path) -> Command:
    """Installs or compiles what a contender needs; what then gives its command and environment for a task.

    Raises:
        CannotRunError: That did not work.
    """
    if contender.onnx:
        _convert(materials)
    if contender is OURS:
        return _ours
    program = _program(contender)

    def told(task: Task) -> tuple[list[str], dict[str, str]]:
        options = {
            "bootstrap": task.bootstrap,
            "transactions": task.transactions,
            "verdicts": task.verdicts,
            "group": task.group,
            "model": str(task.materials),
            "batch": str(contender.batch or task.batch),
        }
        named = [part for name, value in options.items() for part in (f"--{name}", value)]
        return [*program, *named, *contender.options], {"PYTHONPATH": str(_ROOT)}

    return told


def _ours(task: Task) -> tuple[list[str], dict[str, str]]:
    env = {
        "FRAUD_KAFKA__BOOTSTRAP_SERVERS": task.bootstrap,
        "FRAUD_TOPICS__TRANSACTIONS": task.transactions,
        "FRAUD_TOPICS__VERDICTS": task.verdicts,
        "FRAUD_TOPICS__DEAD_LETTERS": f"{task.verdicts}.dlq",
        "FRAUD_SCORER__GROUP_ID": task.group,
        "FRAUD_SCORER__BATCH_SIZE": str(task.batch),
        "FRAUD_HTTP__PORT": "0",
        "FRAUD_LOG__LEVEL": "warning",
        "PYTHONPATH": str(_ROOT),
    }
    return [sys.executable, "-m", "cli.main", "score", "--model", str(task.materials / "fraud")], env


def _program(contender: Contender) -> Sequence[str]:
    folder = _FOLDERS / (contender.folder or contender.name)
    if (folder / "pom.xml").exists():
        return _compiled(folder)
    if not (folder / "requirements.txt").exists():
        return [sys.executable, str(folder / "run.py")]
    return [str(_environment(folder) / "bin" / "python"), str(folder / "run.py")]


def _compiled(folder: Path) -> Sequence[str]:
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        raise CannotRunError(f"{' and '.join(missing)} not installed")
    _run(["mvn", "-q", "-B", "package"], cwd=folder)
    return ["java", "-jar", str(folder / "target" / "contender.jar")]


def _environment(folder: Path) -> Path:
    """A virtual environment with a folder's requirements, of this Python."""
    wanted = folder / "requirements.txt"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]
    made = cache() / f"{folder.name}-{digest}"
    if not (made / "ready").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(made)])
        pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "-r", str(wanted)])
        (made / "ready").touch()
    return made


def _convert(materials: Path) -> None:
    """`forest.joblib` to `forest.onnx`, once."""
    if (materials / "forest.onnx").exists():
        return
    folder = _FOLDERS / "onnx"
    _run([str(_environment(folder) / "bin" / "python"), str(folder / "convert.py"), str(materials)])


def _run(command: Sequence[str], *, cwd: Path | None = None) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=_LONGEST_SETUP_S)
    except subprocess.CalledProcessError as failed:
        raise CannotRunError(f"{Path(command[0]).name} failed: {last_words(failed.stderr or failed.stdout)}") from None
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise CannotRunError(f"{Path(command[0]).name}: {failed}") from None


def last_words(text: str) -> str:
    """The end of what a program said, in one line."""
    return " / ".join(text.strip().splitlines()[-_LAST_LINES:])[-400:]


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """The shell's, without settings of ours that may stand in it, and a contender's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FRAUD_")} | dict(own)
