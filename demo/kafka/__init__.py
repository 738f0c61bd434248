"""Brokers without an account or an installation: librdkafka's embedded one, and Apache Kafka from its jars."""
