"""Backups by URL: the scheme picks the adapter, as in `streamrec.adapters.opening`.

An adapter whose folder has a module ``copies`` with a function ``open_copies`` can be backed up.
"""

from importlib import import_module
from importlib.util import find_spec

from streamrec.adapters.opening import ADAPTERS
from streamrec.errors import ConfigurationError
from streamrec.ports.copies import Copies
from streamrec.redaction import shown_url


def kind_of(url: str) -> str:
    """Return what tells which backups fit into a place: the adapter's folder.

    Raises
    ------
    ConfigurationError
        When no adapter knows the URL's scheme, or it makes no backups.
    """
    adapter = ADAPTERS.get(url.partition(":")[0])
    if adapter is None or find_spec(f"streamrec.adapters.{adapter.folder}.copies") is None:
        raise ConfigurationError(f"{shown_url(url)} can't be backed up: use its own tools")
    return adapter.folder


def open_copies(url: str) -> Copies:
    """Open a place for a backup; raises as `kind_of`."""
    copies: Copies = import_module(f"streamrec.adapters.{kind_of(url)}.copies").open_copies(url)
    return copies
