"""The life of a long-running process: lease, retries, stop, status, and reading along a log."""
