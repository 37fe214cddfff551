"""Bars: what an item's value did, minute by minute."""
