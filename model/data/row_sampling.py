"""Which rows of a file that is too large are kept: every fraud, and legitimate ones by lot."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Where frauds alone fill the room, there still are legitimate rows to tell them from.
_LEAST_LEGITIMATE: Final = 0.1


class RowLottery:
    """Every row draws a number; of the legitimate ones those with the smallest are kept, as many as there is room for.

    Who is kept depends on the seed and the rows alone, not on how they are cut into pieces: one pass suffices.

    Args:
        most_rows: To keep, 1 at least. Frauds are kept also where they are more.
        seed: Of the draws.

    Attributes:
        frauds: Rows so far.
        legitimate: Rows so far.
    """

    def __init__(self, most_rows: int, *, seed: int) -> None:
        self.frauds = 0
        self.legitimate = 0
        self._most_rows = most_rows
        self._random = np.random.default_rng(seed)
        self._bound = 1.0

    @property
    def room(self) -> int:
        """How many legitimate rows are kept at most, given the frauds so far."""
        return max(self._most_rows - self.frauds, round(self._most_rows * _LEAST_LEGITIMATE), 1)

    def draw(self, frauds: NDArray[np.bool_], complete: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The draws of the next rows.

        Args:
            frauds: bool[n].
            complete: bool[n]; the others are not kept, whatever they draw.

        Returns:
            float64[n], from 0 up to 1; NaN for rows that are certainly not kept.
        """
        draws = self._random.random(len(frauds))
        kept_frauds = complete & frauds
        self.frauds += int(kept_frauds.sum())
        self.legitimate += int(complete.sum() - kept_frauds.sum())
        draws[~kept_frauds & ~(complete & (draws < self._bound))] = np.nan
        return draws

    def keep(self, draws: NDArray[np.float64], frauds: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Who is still kept of those kept so far.

        Args:
            draws: float64[m].
            frauds: bool[m].
        """
        legitimate = draws[~frauds]
        if len(legitimate) > self.room:
            self._bound = float(np.partition(legitimate, self.room)[self.room])
        kept: NDArray[np.bool_] = frauds | (draws < self._bound)
        return kept
