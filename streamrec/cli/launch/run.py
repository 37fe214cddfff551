"""`run`: everything on this machine, from nothing to recommendations that learn."""

from functools import partial
from pathlib import Path

from streamrec.cli.choices import PortSettings
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.launch.launch import Home, Launch, launch
from streamrec.cli.launch.own_keys import own_key
from streamrec.cli.launch.plan import HoldOut, Rate, Replay, plan_of
from streamrec.cli.launch.services import Services, parts_of
from streamrec.cli.replay import REPLAY_DIR
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

_LOG = Path("var/log/services.log")


@takes_files
def run(
    chosen: Chosen,
    hold_out: HoldOut = None,
    replay: Replay = False,  # noqa: FBT002
    rate: Rate = None,
) -> None:
    """Learn all of own files, or of what `init` wrote, and serve it.

    Without any, MovieLens-100K is the demonstration: it learns the first half and replays the second one as a
    stream. Ctrl-C stops everything cleanly; the next run goes on from there.
    """
    chosen, plan = plan_of(chosen, hold_out, rate, is_replayed=replay)
    locations, ports = read_settings(LocationSettings), read_settings(PortSettings)
    home = Home(locations, REPLAY_DIR)
    services = Services(parts_of(ports), _LOG, ports, own_key(locations))
    launch(partial(Launch, home, services), services, chosen, plan, REPLAY_DIR.parent)
