"""`run`: everything on this machine, from nothing to recommendations that learn."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from streamrec.cli.choices import Delimiter, EventsFile, Mapping, PortSettings
from streamrec.cli.launch.launch import Chosen, Home, Launch, launch
from streamrec.cli.launch.services import Services
from streamrec.cli.replay import DEFAULT_RATE, REPLAY_DIR
from streamrec.datasets.named import ML_100K
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

PROCFILE = Path(__file__).with_name("Procfile")

_LOG = Path("var/log/services.log")


def run(
    rate: Annotated[float, typer.Option(min=0.001, help="Events a second.")] = DEFAULT_RATE,
    events: EventsFile = None,
    mapping: Mapping = None,
    delimiter: Delimiter = None,
    procfile: Annotated[
        Path,
        typer.Option(help="What to start.", show_default="index server, recommender, trainer, histories"),
    ] = PROCFILE,
) -> None:
    """Train on the first half of MovieLens-100K or of a file, serve, and replay the second half as a stream.

    Ctrl-C stops everything cleanly; the next run goes on from there.
    """
    chosen = Chosen(None if events else ML_100K, events, mapping, delimiter)
    home = Home(read_settings(LocationSettings), REPLAY_DIR)
    services = Services(procfile, _LOG, read_settings(PortSettings))
    launch(partial(Launch, home, services), services, chosen, rate)
