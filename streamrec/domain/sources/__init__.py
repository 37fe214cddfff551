"""Candidate sources: each in a file of its own, declared once; `table` lists them."""
