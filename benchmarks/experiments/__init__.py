"""Statistics of experiments, tried on populations whose truth is known."""
