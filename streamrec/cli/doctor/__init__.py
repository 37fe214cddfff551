"""`doctor`: probes of every part."""
