"""From arrays to a fitted model: windows of time, preparation, candidates, the choice, the calibration."""
