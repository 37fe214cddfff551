"""Commands around a new generation: the archive of the log, and training anew."""
