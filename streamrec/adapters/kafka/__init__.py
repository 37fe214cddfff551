"""Logs on Kafka, with either of its two Python clients."""
