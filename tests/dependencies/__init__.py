"""The whole system with each of its dependencies away, late, garbled, silent, cut off or refusing writes."""
