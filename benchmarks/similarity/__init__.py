"""Similar items and users: speed, and planted groups."""
