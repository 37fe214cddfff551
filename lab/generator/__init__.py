"""A made-up shop by known laws: products and editorial items, users, and a year of what they do."""
