"""`stack-local`: the whole system on real servers, without containers."""

from functools import partial

from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.launch.launch import Home, Launch, launch
from streamrec.cli.launch.local_servers import KINDS, is_listening
from streamrec.cli.launch.own_keys import own_key
from streamrec.cli.launch.owner import Owner
from streamrec.cli.launch.plan import HoldOut, Rate, Replay, plan_of
from streamrec.cli.launch.stack_services import FOLDER, StackPorts, StackServices
from streamrec.cli.screen import spinner
from streamrec.cli.stopping import StopWish
from streamrec.datasets.event_set import EventSet
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.settings.reading import read_settings

_PATIENCE_S = 120.0
_PAUSE_S = 0.1


@takes_files
def stack_local(
    chosen: Chosen,
    hold_out: HoldOut = None,
    replay: Replay = False,  # noqa: FBT002
    rate: Rate = None,
) -> None:
    """Do what `run` does on a Kafka broker, MongoDB and Redis.

    Each part may be killed or restarted meanwhile. Ctrl-C stops everything cleanly; the next run goes on
    from there.
    """
    for kind in KINDS.values():
        if why_not := kind.why_not():
            raise ConfigurationError(why_not)
    chosen, plan = plan_of(chosen, hold_out, rate, is_replayed=replay)
    ports = read_settings(StackPorts)
    locations = ports.locations()
    home, services = Home(locations, FOLDER / "replay"), StackServices(ports, own_key(locations))
    launch(partial(StackLaunch, home, services), services, chosen, plan, FOLDER)


class StackLaunch(Launch):
    """The steps of a launch whose model lives in servers that have to run first."""

    def __init__(self, home: Home, services: StackServices, wish: StopWish, started: float) -> None:
        super().__init__(home, services, wish, started)
        self._stack = services

    def _bring_model(self, events: EventSet, until_fraction: float, owner: Owner) -> None:
        self._stack.start()
        with spinner("Starting Kafka broker, MongoDB and Redis"):
            self._wait_for_servers()
        if not self._wish():
            self._learn_what_is_new(events, until_fraction, owner)

    def _wait_for_servers(self) -> None:
        deadline = self._wish.now() + _PATIENCE_S
        for listener in self._stack.servers_below:
            while not is_listening(listener.port) and not self._wish():
                self._stack.check()
                if self._wish.now() > deadline:
                    where = f"port {listener.port}; see {self._stack.log_path}"
                    raise Unavailable(f"{listener.service} does not listen on {where}")
                self._wish.sleep(_PAUSE_S)
