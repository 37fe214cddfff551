"""`archive`: the log's events in Parquet files by day, for the time when the log no longer holds them."""

from pathlib import Path
from typing import Annotated

import typer

from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings


def archive(
    folder: Annotated[Path, typer.Argument(help="Where the files lie; the same one each time.")],
    skip_lost: Annotated[
        bool, typer.Option("--skip-lost", help="Go on though the log lost events that are not archived.")
    ] = False,
) -> None:
    """Write what came into the log since the last time into Parquet files by day.

    May be stopped anywhere and run again: each event is archived once. Erased users' events go.
    """
    # What it works with takes half a second to import: no other command should wait for it.
    from streamrec.cli.retraining.archiving import archive_log

    archive_log(folder, read_settings(LocationSettings), skip_lost=skip_lost)
