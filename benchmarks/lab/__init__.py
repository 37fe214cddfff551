"""The laboratory's decomposition."""
