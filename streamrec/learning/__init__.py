"""Learning from events: the learner, its sampling, and what an event changes."""
