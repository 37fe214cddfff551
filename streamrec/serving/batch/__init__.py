"""Lists for many users at once: what they need is read together."""
