"""Bars: values of an item, minute by minute."""
