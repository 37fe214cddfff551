"""Hot paths in a few minutes, each as a ratio to a bare reference, beside what was recorded."""
