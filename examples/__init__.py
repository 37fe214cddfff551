"""Small systems built on streamrec; each knows the product by its HTTP API and its commands alone."""
