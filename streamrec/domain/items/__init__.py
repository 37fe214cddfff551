"""Rules about items: metadata, newness, exploration."""
