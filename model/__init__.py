"""Learns from labelled transactions and scores batches; knows nothing of Kafka, topics or people."""
