"""Apache Kafka's jars, resolved by Maven once and kept, and the Java that runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from model.errors import Mendable

KAFKA_VERSION: Final = "4.3.0"
OLDEST_JAVA: Final = 17

DEFAULT_CACHE: Final = Path(".kafka")

_POM: Final = Path(__file__).with_name("pom.xml")
_RESOLVING_TIMEOUT_S: Final = 300.0
_JAVA_TIMEOUT_S: Final = 30.0


class ToolMissing(Mendable):
    """Java or Maven is not there, or too old."""


class JarsUnresolved(Mendable):
    """Maven did not get the jars."""


def java_release(version_text: str) -> int | None:
    """The feature release in what `java -version` prints: 17 for "17.0.15", 8 for "1.8.0_292" (pure)."""
    found = re.search(r'version "(?:1\.)?(\d+)', version_text)
    return int(found.group(1)) if found else None


def missing_tools() -> list[str]:
    """What this machine lacks for a broker from jars, in words; empty where all is there."""
    missing = []
    found = _installed_java()
    if found is None:
        missing.append(f"java {OLDEST_JAVA} or later (none found)")
    elif found < OLDEST_JAVA:
        missing.append(f"java {OLDEST_JAVA} or later (found {found})")
    if shutil.which("mvn") is None:
        missing.append("mvn (none found)")
    return missing


def require_tools() -> None:
    """Makes sure of Java and Maven.

    Raises:
        ToolMissing: Names what is missing, and what was found instead.
    """
    missing = missing_tools()
    if missing:
        raise ToolMissing(
            f"a local Apache Kafka needs {' and '.join(missing)}",
            remedy=f"install a JDK {OLDEST_JAVA} and Maven",
        )


def resolve_jars(cache: Path) -> Path:
    """The directory of the jars, which Maven fills at the first time (44 MB, some ten seconds).

    They appear in the cache whole or not at all, so that two processes may do this at once.

    Args:
        cache: Where to keep them, in a directory named after Kafka's version.

    Raises:
        JarsUnresolved: Maven failed; quotes its last lines.
    """
    kept = cache.absolute() / f"libs-{KAFKA_VERSION}"
    if kept.is_dir():
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="resolving-", dir=cache) as scratch:
        fresh = Path(scratch).absolute() / "libs"
        _run_maven(fresh)
        try:
            fresh.rename(kept)
        except OSError:
            # Another process was quicker; its jars are the same.
            if not kept.is_dir():
                raise
    return kept


def _run_maven(destination: Path) -> None:
    # --strict-checksums: a jar that does not match its published digest is an error, not a warning.
    command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(_POM)]
    command += [f"-Dkafka.version={KAFKA_VERSION}", f"-DoutputDirectory={destination}", "-DincludeScope=runtime"]
    command += ["dependency:copy-dependencies"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_RESOLVING_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise JarsUnresolved(
            f"Maven did not finish within {_RESOLVING_TIMEOUT_S:.0f} s", remedy="try again with a better connection"
        ) from None
    if result.returncode != 0:
        last_lines = "\n".join((result.stdout + result.stderr).strip().splitlines()[-10:])
        raise JarsUnresolved(
            f"Maven cannot resolve Apache Kafka {KAFKA_VERSION}",
            remedy=f"give it a connection to Maven Central or a mirror (~/.m2/settings.xml); it says:\n{last_lines}",
        )


def _installed_java() -> int | None:
    try:
        result = subprocess.run(
            ["java", "-version"], capture_output=True, text=True, timeout=_JAVA_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # macOS ships a `java` that only says where to buy one, with another exit status.
    return java_release(result.stderr + result.stdout) if result.returncode == 0 else None
