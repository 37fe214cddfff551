"""Commands for lists that were made for users beforehand."""
