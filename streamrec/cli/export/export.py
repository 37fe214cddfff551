"""`export`: users, items, events and lists for other tools, in Parquet."""

from pathlib import Path
from typing import Annotated

import typer

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.screen import progress_bar, say
from streamrec.cli.service_call import Service
from streamrec.errors import ConfigurationError, InvalidInput
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

_WHAT = ("users", "items", "events", "lists")

_LIST_TIMEOUT_S = 60.0
"""For 500 lists; on a machine that is busy they take some seconds."""


def export(
    folder: Annotated[Path, typer.Argument(help="Where users.parquet, items.parquet and so on go.")],
    what: Annotated[str, typer.Option(help="Which of them, with commas between.")] = ",".join(_WHAT),
    k: Annotated[int, typer.Option(min=1, max=1000, help="Length of the lists.")] = 10,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Write what is known to Parquet files: users, items, the log's events, and the list of every user.

    A file is whole or not there; one that is there is replaced. The recommender makes the lists, as it serves
    them.
    """
    # What it works with takes seconds to import: no other command should wait for it.
    from streamrec.cli.export.table_file import write_table
    from streamrec.cli.export.tables import Exporting

    names = _names(what)
    service = Service(url or read_settings(PortSettings).recommender_url, api_key, _LIST_TIMEOUT_S)
    exporting = Exporting(read_settings(LocationSettings), service, k)
    tables = {
        "users": exporting.users,
        "items": exporting.items,
        "events": exporting.events,
        "lists": exporting.lists,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} can't be written: {error.strerror}") from error
    for name in names:
        path = folder / f"{name}.parquet"
        with progress_bar(f"Exporting {name}") as show:
            show(0, 0)
            n_rows = write_table(path, tables[name](), show)
            show(n_rows, n_rows)
        say(f"{n_rows:,} rows in {path}")


def _names(what: str) -> list[str]:
    """Read names with commas between.

    >>> _names("lists, users,lists")
    ['lists', 'users']

    Raises
    ------
    InvalidInput
        When one is none of those there are.
    """
    names = list(dict.fromkeys(name.strip() for name in what.split(",") if name.strip()))
    if not names or set(names) - {*_WHAT}:
        raise InvalidInput(f"--what {what}: some of {', '.join(_WHAT)}, with commas between")
    return names
