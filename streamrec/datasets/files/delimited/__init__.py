"""Rows of CSV and other text with delimiters."""
