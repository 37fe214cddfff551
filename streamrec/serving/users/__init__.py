"""Users as answers go by them."""
