"""Live experiments over HTTP, for admins."""
