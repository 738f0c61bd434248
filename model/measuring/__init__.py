"""How good a model is, and what its thresholds mean."""
