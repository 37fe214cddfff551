"""Initial training: history to a first generation."""
