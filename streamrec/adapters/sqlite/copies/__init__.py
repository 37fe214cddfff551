"""Copies of whole SQLite files for backups."""

from streamrec.adapters.sqlite.connection import path_of
from streamrec.adapters.sqlite.copies.whole_file import SqliteCopies


def open_copies(url: str) -> SqliteCopies:
    """Open a file by its URL."""
    return SqliteCopies(path_of(url))
