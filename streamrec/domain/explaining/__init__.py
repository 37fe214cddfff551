"""Reasons for what is recommended."""
