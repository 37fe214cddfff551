"""From what is read for the candidate sources to one list."""
