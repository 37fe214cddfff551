"""Live experiments: definitions, assignment of users, and the record of what was shown."""
