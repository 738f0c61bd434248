"""The page of the benchmarks: its tables are those of the run that is kept beside it."""

from __future__ import annotations

import json
from pathlib import Path

from bench.roster import ROSTER
from bench.table import markdown

BENCH = Path(__file__).parents[2] / "bench"


def test_the_page_shows_what_the_kept_run_printed() -> None:
    lines = [json.loads(line) for line in (BENCH / "run.jsonl").read_text().splitlines()]
    page = (BENCH / "README.md").read_text()
    _, _, after = page.partition("<!-- figures: python -m bench.table bench/run.jsonl -->\n")
    shown, end, _ = after.partition("<!-- end of figures -->")

    assert end
    assert shown.strip() == markdown(lines, {one.name: one.title for one in ROSTER}).strip()
    assert {line["contender"] for line in lines} == {one.name for one in ROSTER}
