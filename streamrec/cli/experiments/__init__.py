"""Commands about live experiments."""
