"""Readers of files: CSV, JSON Lines and Parquet become events and items."""
