"""Results of live experiments: statistics over what was counted of them."""
