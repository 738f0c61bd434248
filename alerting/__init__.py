"""Verdicts in, people told; knows the verdict contract and the Kafka plumbing, nothing of models."""
