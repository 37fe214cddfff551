"""Finding out what stands in a file: how it is written, and which column is what."""
