"""MongoDB by URL."""

from streamrec.adapters.mongo.connection import address_of
from streamrec.adapters.mongo.store import MongoStore
from streamrec.adapters.mongo.trainer_store import MongoTrainerStore
from streamrec.ports import DocumentStore, TrainerStore


def open_store(url: str) -> DocumentStore:
    """Open a database for a server."""
    return MongoStore(address_of(url))


def open_trainer_store(url: str) -> TrainerStore:
    """Open a database for the trainer."""
    return MongoTrainerStore(address_of(url))
