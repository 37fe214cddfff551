"""The whole trainer, the keeper of bars, and the soak."""
