"""Measuring quality: predict, then learn; splits by time only."""
