"""Keys with which these commands use the services that they start."""

import shlex
from pathlib import Path
from typing import NamedTuple

from streamrec.errors import ConfigurationError
from streamrec.settings.key_file import keys_in
from streamrec.settings.processes import LocationSettings


class OwnKey(NamedTuple):
    """A key of the services' file of keys.

    Attributes
    ----------
    shown
        What people put into a command line in its place: nobody's history shall hold the key.
    """

    key: str
    shown: str


def own_key(locations: LocationSettings) -> OwnKey | None:
    """Return a key that may do everything; None: the services ask for none.

    Raises
    ------
    ConfigurationError
        When a file of keys can't be read, or holds none: nobody could use the services.
    """
    files = [path for path in (locations.admin_keys_file, locations.api_keys_file) if path is not None]
    keys = [_first_of(path) for path in files]
    return keys[0] if keys else None


def _first_of(path: Path) -> OwnKey:
    try:
        keys = keys_in(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"the file of API keys {path} can't be read: {reason}") from error
    if not keys:
        raise ConfigurationError(
            f"the file of API keys {path} holds none: write one a line, such as `openssl rand -hex 24` makes"
        )
    number, key = keys[0]
    if not key.isascii():
        raise ConfigurationError(f"the key in line {number} of {path} is not ASCII: no request can hold it")
    return OwnKey(key, f"$(sed -n {number}p {shlex.quote(str(path))})")
