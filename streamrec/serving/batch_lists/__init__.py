"""Answers from lists that were made beforehand."""
