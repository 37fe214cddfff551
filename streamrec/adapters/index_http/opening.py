"""The index service by URL."""

from pathlib import Path
from urllib.parse import urlsplit

from streamrec.adapters.index_http.client import HttpIndex
from streamrec.adapters.index_http.connection import KeySource, no_key
from streamrec.adapters.index_http.lookup import BlockingIndex
from streamrec.errors import ConfigurationError
from streamrec.redaction import shown_url
from streamrec.settings.key_file import KeyFile


def open_index(url: str, timeout_s: float, keys_file: Path | None = None) -> HttpIndex:
    """Return a client for an event loop; it connects at its first search."""
    return HttpIndex(_checked(url), timeout_s, _key_in(keys_file))


def open_index_lookup(url: str, timeout_s: float, keys_file: Path | None = None) -> BlockingIndex:
    """Return a client for one thread; it connects at its first search."""
    return BlockingIndex(_checked(url), timeout_s, _key_in(keys_file))


def _key_in(keys_file: Path | None) -> KeySource:
    return no_key if keys_file is None else KeyFile(keys_file).first


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_well = bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, or an IPv6 address without its end
        is_well = False
    if not is_well:
        raise ConfigurationError(f"no index for {shown_url(url)!r}: use http://host:8100")
    return url
