"""The index by URL."""

from urllib.parse import urlsplit

from streamrec.adapters.index_client import HttpIndex
from streamrec.errors import ConfigurationError


def open_index(url: str, timeout_s: float) -> HttpIndex:
    """Return a client of the index service; it connects at its first search.

    Raises
    ------
    ConfigurationError
        When the URL is not one of HTTP's.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"no index for {url!r}: use http://host:8100")
    return HttpIndex(url, timeout_s)
