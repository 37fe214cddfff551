"""`serve`: the system in production without containers; and `parts`, orders to its processes."""
