"""A model that is not as it was written: the worker does not start, and nothing is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.poison import mixed
from tests.harness.trial import Trial


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut_off(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("name", "damage"), [("serving.npz", flip), ("serving.npz", cut_off), ("manifest.json", cut_off)]
)
def test_nothing_is_read_with_a_damaged_model(
    name: str, damage: Callable[[Path], None], trial: Trial, trained_model: Path, tmp_path: Path
) -> None:
    trial.send(mixed(100))
    damaged = tmp_path / "damaged"
    shutil.copytree(trained_model, damaged)
    damage(damaged / name)

    with trial.worker(model=damaged) as worker:
        assert worker.ended() == 2
        assert str(damaged) in worker.log.read_text()
    assert trial.committed() == dict.fromkeys(range(4), 0)
    trial.require_each_answered_once(all_of_them=False)
