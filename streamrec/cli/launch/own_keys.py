"""Keys with which these commands use the services that they start."""

import shlex
from pathlib import Path
from typing import NamedTuple

from streamrec.errors import ConfigurationError
from streamrec.settings.key_file import KeyLine, Scope, keys_in
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
        When a file of keys can't be read, or no file holds such a key.
    """
    files = [path for path in (locations.admin_keys_file, locations.api_keys_file) if path is not None]
    keys = [(path, line) for path in files for line in keys_in(path)]
    for path, line in keys:
        # Without a scope a key opens everything, unless there are admin keys; these come first.
        if not line.scopes or Scope.ADMIN in line.scopes:
            return _own(path, line)
    if keys:
        raise ConfigurationError(
            f"no key in {' and '.join(map(str, files))} has the scope admin, which loading items needs:"
            " add one, as `KEY admin`"
        )
    return None


def _own(path: Path, line: KeyLine) -> OwnKey:
    # Behind a key that has scopes there are words that are no part of it.
    print_key = f"'{line.number}s/[[:space:]].*//p'" if line.scopes else f"{line.number}p"
    return OwnKey(line.key, f"$(sed -n {print_key} {shlex.quote(str(path))})")
