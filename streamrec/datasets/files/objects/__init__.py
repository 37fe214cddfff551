"""JSON: objects of a text as rows, and the values within them."""
