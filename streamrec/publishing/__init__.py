"""Publishing: what was learned goes to stores, cache and changelog."""
