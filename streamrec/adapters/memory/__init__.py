"""Every port in memory: for tests, and for evaluation without a disk."""
