"""Document stores by URL. Drivers are imported by scheme: nobody loads one that they do not use."""

from streamrec.adapters.sqlite_connection import path_of
from streamrec.errors import ConfigurationError
from streamrec.ports import DocumentStore, TrainerStore


def open_store(url: str) -> DocumentStore:
    """Open the document store for a server.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the store does not answer.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite_store import SqliteStore

        return SqliteStore(path_of(url))
    raise _unknown(url)


def open_trainer_store(url: str) -> TrainerStore:
    """Open the document store for the trainer.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme.
    Unavailable
        When the store does not answer.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite_store_trainer import SqliteTrainerStore

        return SqliteTrainerStore(path_of(url))
    raise _unknown(url)


def _unknown(url: str) -> ConfigurationError:
    return ConfigurationError(f"no document store for {url!r}: use sqlite:///file.db")
