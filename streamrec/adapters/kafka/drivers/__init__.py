"""The two Python clients of Kafka behind one shape: kafka-python and confluent-kafka."""
