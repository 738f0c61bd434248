from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LIBRARY = "model/scoring/libkernel.so"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """All that a wheel is built from, with what is left of another machine's kernel."""
    for package in ("model", "stream", "alerting", "cli", "demo"):
        shutil.copytree(ROOT / package, tmp_path / "tree" / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path / "tree")
    (tmp_path / "tree" / LIBRARY).write_bytes(b"of another machine")
    return tmp_path / "tree"


def _wheel(tree: Path, compiler: str) -> tuple[Path, str]:
    """The wheel, and what was said while it was built."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tree.parent / "dist")],
        cwd=tree,
        env={**os.environ, "CC": compiler},
        capture_output=True,
        text=True,
        check=True,
    )
    (wheel,) = (tree.parent / "dist").glob("*.whl")
    return wheel, built.stderr


def _kernel_in(wheel: Path) -> str:
    """Which walk scores where the wheel is installed."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "installed")
    asked = [sys.executable, "-c", "from model.scoring.kernel import KERNEL; print(KERNEL.name, KERNEL.reason)"]
    installed = {**os.environ, "PYTHONPATH": str(wheel.parent / "installed")}
    return subprocess.run(
        asked, cwd=wheel.parent, env=installed, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_wheel_has_the_kernel_for_every_python_of_its_platform(tree: Path) -> None:
    wheel, said = _wheel(tree, "")

    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert wheel.name.endswith(f"-py3-none-{platform}.whl"), said
    assert _kernel_in(wheel) == "c None"
    assert {path.name for path in (tree / "model/scoring").glob("libkernel*")} == {"libkernel.so", "libkernel.sha256"}


def test_without_a_compiler_a_wheel_is_for_all_platforms_and_numpy_scores(tree: Path) -> None:
    wheel, said = _wheel(tree, "/nonexistent/cc")

    assert wheel.name.endswith("-py3-none-any.whl")
    assert said.count("The scoring kernel was not compiled, numpy will score") == 1
    assert "/nonexistent/cc" in said
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "libkernel" in name]
    assert _kernel_in(wheel).startswith("numpy libkernel.sha256 is missing")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_what_the_compiler_refuses_is_told_and_hinders_nothing(tree: Path) -> None:
    (tree / "model/scoring/kernel.c").write_text("int forest_scores(")

    wheel, said = _wheel(tree, "")

    assert wheel.name.endswith("-py3-none-any.whl")
    assert "kernel.c" in said
