"""`export-user`: everything that is held of one user, as JSON."""

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from streamrec import __version__
from streamrec.cli.screen import progress_bar, say
from streamrec.durable_files import replaced
from streamrec.errors import Unavailable, UnknownId
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

EXIT_UNKNOWN = 1


def export_user(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="Id of the user.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Where it goes, whole or not at all; else standard output.")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Folder of an archive of the log, to be read as well.")
    ] = None,
) -> None:
    """Write everything that is held of one user as JSON: documents, events, vectors, lists, counts.

    Ends with 1 when nothing is held of this user. Nothing is changed.
    """
    # What it works with takes seconds to import: no other command should wait for it.
    from streamrec.cli.user_data.held import HeldOfUser
    from streamrec.cli.user_data.json_sections import write_sections

    head = {"user_id": user_id, "exported_at": time.time(), "streamrec": __version__}
    sections = HeldOfUser(user_id, read_settings(LocationSettings), archive).sections()
    try:
        with (
            progress_bar("Reading") as show,
            replaced(file) if file is not None else nullcontext(sys.stdout.buffer) as out,
        ):
            counts = write_sections(out, head, sections, lambda n_entries: show(n_entries, 0))
    except UnknownId as error:
        say(f"{user_id!r}: {error}", "yellow")
        raise typer.Exit(EXIT_UNKNOWN) from None
    except OSError as error:
        raise Unavailable(f"{file or 'standard output'} can't be written: {error}") from error
    say("; ".join(f"{name}: {n_entries:,}" for name, n_entries in counts.items() if n_entries))
