"""Training of the configured models on one split, each in a process of its own, with its cost."""
