"""The model: PyTorch only; knows no Kafka, no store and no HTTP."""
