"""One assessment for all the tests, as it is only looked at."""

from __future__ import annotations

import pytest

from model.measuring.assessment import Assessment
from tests.model.report.sample import assessment as sample


@pytest.fixture(scope="session")
def assessment() -> Assessment:
    return sample()
