"""Own files, from two commands to a served list: seconds, and seconds of the processor."""
