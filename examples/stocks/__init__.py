"""A small stock exchange on the product: what an instrument's price did, and what is like it."""
