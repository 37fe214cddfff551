"""Filters on what is known of items: conditions, how they are written, and a table to find items by."""
