"""The state that learning changes, in parts, and its checkpoints."""
