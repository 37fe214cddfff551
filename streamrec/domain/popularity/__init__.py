"""Popularity: counts that fade, and rankings made of them."""
