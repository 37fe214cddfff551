"""Learning from history and from the stream, and publishing what was learned."""
