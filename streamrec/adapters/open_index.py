"""The index by URL."""

from urllib.parse import urlsplit

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.index_http.lookup import BlockingIndex
from streamrec.errors import ConfigurationError
from streamrec.redaction import shown_url


def open_index_lookup(url: str, timeout_s: float) -> BlockingIndex:
    """Return a client for one thread; it connects at its first search.

    Raises
    ------
    ConfigurationError
        When the URL is not one of HTTP's.
    """
    _check(url)
    return BlockingIndex(url, timeout_s)


def open_index(url: str, timeout_s: float) -> HttpIndex:
    """Return a client of the index service; it connects at its first search.

    Raises
    ------
    ConfigurationError
        When the URL is not one of HTTP's.
    """
    _check(url)
    return HttpIndex(url, timeout_s)


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_well = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, or an IPv6 address without its end
        is_well = False
    if not is_well:
        raise ConfigurationError(f"no index for {shown_url(url)!r}: use http://host:8100")
