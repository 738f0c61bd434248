"""A small file with labels, its profile, and a model that has learnt from it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.harness.commands import PROFILE, QUICK, run
from tests.harness.labelled import labelled_frame


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a profile, for `labelled_frame`."""
    file = tmp_path_factory.mktemp("profile") / "small.toml"
    file.write_text(PROFILE)
    return file


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """601 rows, of which one lacks its risk and one is there twice."""
    file = tmp_path_factory.mktemp("data") / "small.csv.gz"
    frame = labelled_frame()
    frame.loc[3, "risk"] = None
    pd.concat([frame, frame.iloc[[7]]]).to_csv(file, index=False)
    return file


@pytest.fixture(scope="session")
def model(data: Path, profile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fraud train` makes of them."""
    out = tmp_path_factory.mktemp("models") / "small"
    run("train", data, "--profile", profile, "--out", out, *QUICK)
    return out
