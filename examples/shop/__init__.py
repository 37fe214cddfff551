"""A shop: what is like a product, and what a customer may want next."""
