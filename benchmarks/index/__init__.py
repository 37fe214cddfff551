"""The index: recall, time, and the hop over HTTP."""
