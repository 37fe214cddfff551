"""Home folders in settings: a shell does not expand the ``~`` of a variable in quotes."""

from pathlib import Path

_SQLITE = "sqlite:///"


def home_expanded(location: object) -> object:
    """Return a path, or a SQLite file's URL; ``~`` or ``~name`` at its start becomes the folder it means.

    >>> home_expanded("sqlite:///~/store.db") == f"sqlite:///{Path.home()}/store.db"
    True
    >>> home_expanded("var/artifacts"), home_expanded("redis://host/~")
    ('var/artifacts', 'redis://host/~')

    Raises
    ------
    ValueError
        When there is no user of this name.
    """
    scheme, text = "", str(location)
    if text.startswith(_SQLITE):
        scheme, text = _SQLITE, text.removeprefix(_SQLITE)
    if not text.startswith("~"):
        return location
    try:
        return f"{scheme}{Path(text).expanduser()}"
    except RuntimeError as error:
        name = text.partition("/")[0]
        raise ValueError(f"nobody has a home folder {name}; a file of this name is ./{name}") from error
