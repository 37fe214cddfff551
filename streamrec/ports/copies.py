"""Port of whole places: all that a log, a store or a cache holds, copied as files and back, and searched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from streamrec.traces import Trace

Counts = Mapping[str, int]
"""Entries by the name of a table, a collection or a topic."""


class Copies(Protocol):
    """One place where data lie, whatever they are; who writes there meanwhile is not stopped."""

    def copy_to(self, folder: Path) -> Counts:
        """Write all of it into files of an empty folder, durably; return how many entries they hold."""

    def check_free(self, *, overwrite: bool) -> None:
        """Return if this place can be restored to.

        Parameters
        ----------
        overwrite
            Whether what is here may be replaced.

        Raises
        ------
        Conflict
            When something is here, and must not be replaced or can't be; or somebody works here.
        """

    def restore_from(self, folder: Path) -> Counts:
        """Replace what is here by what `copy_to` wrote; return how many entries there are now.

        Raises
        ------
        ConfigurationError
            When this place can't take it; with a way that does.
        """

    def rename_log(self, before: str, after: str) -> None:
        """Let what is noted of one log's offsets be those of another, which holds the same records."""

    def traces_of(self, trace: Trace) -> Counts:
        """Return how many entries name a user; tables, collections, topics without any are there with 0."""

    def scrub(self) -> bool:
        """Let nothing be left of what was deleted, where that is in our hands; return whether it is.

        Raises
        ------
        Unavailable
            When others work here without a pause.
        """

    def close(self) -> None:
        """Release the connection."""
