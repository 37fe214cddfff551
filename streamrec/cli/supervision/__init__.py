"""Processes of one system under one supervisor, which starts them again and stops them in order."""
