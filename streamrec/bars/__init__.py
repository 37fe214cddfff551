"""The process that keeps minute bars of items' values."""
