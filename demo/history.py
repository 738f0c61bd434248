"""A labelled file cut in time: what the model learns from, and what comes live afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.data.columns import moments
from model.data.data_file import ColumnsAbsent, read_columns
from model.errors import Mendable
from model.profile import Profile, load_profile, shipped_profiles
from model.table_file import write_table


class TooShort(Mendable):
    """A file that cannot be cut into a past and a present."""


class ProfileNotNamed(Mendable):
    """A file that is like none of the shipped profiles."""


@dataclass(frozen=True)
class History:
    """One file as two, each with the columns that its profile names.

    Attributes:
        past: What happened until some moment, the latest of it.
        live: What happened after that moment.
        earlier_rows: How many rows the file has until that moment.
        past_rows: How many of them `past` has.
        live_rows: How many rows `live` has.
    """

    past: Path
    live: Path
    earlier_rows: int
    past_rows: int
    live_rows: int


def fitting_profile(data: Path) -> str:
    """The first shipped profile all of whose columns the file has.

    Raises:
        Mendable: The file cannot be read, or fits none.
    """
    for name in shipped_profiles():
        profile = load_profile(name)
        try:
            read_columns(data, _columns(profile), texts=_texts(profile))
        except ColumnsAbsent:
            continue
        return name
    raise ProfileNotNamed(
        f"data file '{data}' has the columns of none of the profiles {', '.join(shipped_profiles())}",
        remedy="name its profile, a TOML file of yours: PROFILE=mine.toml (or --profile)",
    )


def cut_history(data: Path, profile: Profile, *, live_rows: int, most_past_rows: int, into: Path) -> History:
    """Writes the latest rows to one file and what happened before to another.

    No moment is in both, so that the model meets nothing live that it could have learnt from. Rows without a
    usable time are in neither.

    Args:
        data: CSV or Parquet.
        profile: Names its columns.
        live_rows: How many to keep for the stream, a fifth of the file at most.
        most_past_rows: How many of those before to keep at most; earlier ones are left out.
        into: Directory of the two files.

    Raises:
        Mendable: The file cannot be read, or all of it happened at once.
    """
    table = read_columns(data, _columns(profile), texts=_texts(profile))
    times = moments(table[profile.time.column], profile.time)
    is_earlier = earlier_rows(times.epoch_ms, times.usable, live_rows=live_rows)
    is_past = latest_rows(times.epoch_ms, is_earlier, most=most_past_rows)
    is_live = times.usable & ~is_earlier
    if not is_past.any() or not is_live.any():
        raise TooShort(
            f"data file '{data}' cannot be cut in time: {len(table)} rows, column {profile.time.column!r} has too few "
            "different times",
            remedy="give a file that covers some time",
        )
    history = History(
        past=into / "past.parquet",
        live=into / "live.parquet",
        earlier_rows=int(is_earlier.sum()),
        past_rows=int(is_past.sum()),
        live_rows=int(is_live.sum()),
    )
    write_table(table[is_past], history.past)
    write_table(table[is_live], history.live)
    return history


def earlier_rows(epoch_ms: NDArray[np.int64], usable: NDArray[np.bool_], *, live_rows: int) -> NDArray[np.bool_]:
    """Which rows are not later than the last moment before the live ones (pure).

    Args:
        epoch_ms: int64[n].
        usable: bool[n]; the other rows are not earlier.
        live_rows: How many rows are to come after, a fifth of the usable at most; fewer where several share
            the moment of the cut.

    Returns:
        bool[n].
    """
    in_order = np.sort(epoch_ms[usable])
    if len(in_order) == 0:
        return np.zeros(len(epoch_ms), dtype=np.bool_)
    kept_for_later = min(live_rows, len(in_order) // 5)
    earlier: NDArray[np.bool_] = usable & (epoch_ms <= in_order[len(in_order) - kept_for_later - 1])
    return earlier


def latest_rows(epoch_ms: NDArray[np.int64], among: NDArray[np.bool_], *, most: int) -> NDArray[np.bool_]:
    """Which rows are the latest of some (pure).

    Args:
        epoch_ms: int64[n].
        among: bool[n].
        most: How many at most, 1 at least.

    Returns:
        bool[n].
    """
    rows = np.flatnonzero(among)
    latest = np.zeros(len(epoch_ms), dtype=np.bool_)
    latest[rows[np.argsort(epoch_ms[rows], kind="stable")[-most:]]] = True
    return latest


def _columns(profile: Profile) -> list[str]:
    about = [profile.id, profile.time.column, profile.label, profile.amount, profile.account, profile.segment]
    named = [*about, *profile.inputs]
    return list(dict.fromkeys(name for name in named if name is not None))


def _texts(profile: Profile) -> list[str]:
    """What is carried over digit for digit, as `model.data.dataset` reads it."""
    timestamp = None if profile.time.unit else profile.time.column
    return [name for name in (profile.id, profile.account, profile.segment, timestamp) if name is not None]
