"""The same over a real Kafka broker, MongoDB and Redis."""
