"""Kafka in, verdicts out: scores the live stream exactly once."""
