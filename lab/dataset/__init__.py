"""The interactions and items that all steps work on: written once, read as columns, cut by time."""
