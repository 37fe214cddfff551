"""The trainer's process: the stream's handler and the context it works in."""
