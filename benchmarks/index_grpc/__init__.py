"""The hop to the index: HTTP beside gRPC."""
