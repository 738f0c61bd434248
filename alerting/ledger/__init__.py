"""What became of every notice, durably: a compacted topic beside the verdicts."""
