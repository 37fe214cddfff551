"""Document stores by URL. Drivers are imported by scheme: nobody loads one that they do not use."""

from streamrec.adapters.sqlite.connection import path_of
from streamrec.errors import ConfigurationError
from streamrec.ports import DocumentStore, TrainerStore
from streamrec.redaction import shown_url

_MONGODB = ("mongodb://", "mongodb+srv://")


def open_store(url: str) -> DocumentStore:
    """Open the document store for a server.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL is wrong.
    Unavailable
        When the file can't be opened. MongoDB is connected to at the first use.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite.store import SqliteStore

        return SqliteStore(path_of(url))
    if url.startswith(_MONGODB):
        from streamrec.adapters.mongo.connection import place_of
        from streamrec.adapters.mongo.store import MongoStore

        return MongoStore(place_of(url))
    raise _unknown(url)


def open_trainer_store(url: str) -> TrainerStore:
    """Open the document store for the trainer.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or the URL is wrong.
    Unavailable
        When the file can't be opened. MongoDB is connected to at the first use.
    """
    if url.startswith("sqlite:"):
        from streamrec.adapters.sqlite.trainer_store import SqliteTrainerStore

        return SqliteTrainerStore(path_of(url))
    if url.startswith(_MONGODB):
        from streamrec.adapters.mongo.connection import place_of
        from streamrec.adapters.mongo.trainer_store import MongoTrainerStore

        return MongoTrainerStore(place_of(url))
    raise _unknown(url)


def _unknown(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"no document store for {shown_url(url)!r}: use sqlite:///file.db or mongodb://host:27017"
    )
