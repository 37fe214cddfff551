"""`stack-local`: the whole system on real servers, without containers."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from streamrec.adapters.files.snapshots import current_generation
from streamrec.cli.choices import Delimiter, EventsFile, Mapping
from streamrec.cli.launch.launch import Chosen, Home, Launch, launch
from streamrec.cli.launch.local_servers import KINDS, is_listening
from streamrec.cli.launch.stack_services import FOLDER, StackPorts, StackServices
from streamrec.cli.replay import DEFAULT_RATE
from streamrec.cli.screen import say, spinner
from streamrec.cli.stopping import StopWish
from streamrec.datasets.named import ML_100K
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.settings.reading import read_settings

_PATIENCE_S = 60.0
_PAUSE_S = 0.1


def stack_local(
    rate: Annotated[float, typer.Option(min=0.001, help="Events a second.")] = DEFAULT_RATE,
    events: EventsFile = None,
    mapping: Mapping = None,
    delimiter: Delimiter = None,
) -> None:
    """Do what `run` does on a Kafka broker, MongoDB and Redis.

    Each part may be killed or restarted meanwhile. Ctrl-C stops everything cleanly; the next run goes on
    from there.
    """
    for kind in KINDS.values():
        if why_not := kind.why_not():
            raise ConfigurationError(why_not)
    chosen = Chosen(None if events else ML_100K, events, mapping, delimiter)
    ports = read_settings(StackPorts)
    home, services = Home(ports.locations(), FOLDER / "replay"), StackServices(ports)
    launch(partial(StackLaunch, home, services), services, chosen, rate)


class StackLaunch(Launch):
    """The steps of a launch whose model lives in servers that have to run first."""

    def __init__(self, home: Home, services: StackServices, wish: StopWish, started: float) -> None:
        super().__init__(home, services, wish, started)
        self._stack = services

    def _bring_model(self, chosen: Chosen) -> None:
        self._stack.start()
        with spinner("Starting Kafka broker, MongoDB and Redis"):
            self._wait_for_servers()
        if self._wish():
            return
        generation = current_generation(self._home.locations.artifacts_dir)
        if generation is None:
            self._train(chosen)
        else:
            say("The model goes on from its checkpoint; the topics are new: this broker keeps them in memory")
            with spinner("Letting the trainer begin with new topics"):
                self._begin_new_topics(self._home.locations.artifacts_dir / "checkpoints" / generation)
        if not self._wish():
            self._stack.start_parts()

    def _wait_for_servers(self) -> None:
        deadline = self._wish.now() + _PATIENCE_S
        for port, service, _variable in self._stack.servers_below:
            while not is_listening(port) and not self._wish():
                self._stack.check()
                if self._wish.now() > deadline:
                    raise Unavailable(f"{service} does not listen on port {port}; see {self._stack.log_path}")
                self._wish.sleep(_PAUSE_S)

    def _begin_new_topics(self, checkpoints: Path) -> None:
        """Do what its error says where the log is shorter than the checkpoint, before there is one."""
        before = _newest_in(checkpoints)
        log_path = self._stack.log_path.with_name("trainer-start.log")
        command = [sys.executable, "-m", "incremental_training", "--start=earliest"]
        environment = {**os.environ, **self._stack.environment}
        with log_path.open("wb") as log:
            trainer = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = self._wish.now() + _PATIENCE_S
        while trainer.poll() is None and not self._wish() and self._wish.now() < deadline:
            if _newest_in(checkpoints) != before:
                break
            self._wish.sleep(_PAUSE_S)
        trainer.terminate()
        exit_code = trainer.wait()
        if _newest_in(checkpoints) == before and not self._wish():
            raise Unavailable(f"the trainer ended with exit code {exit_code}; see {log_path}")


def _newest_in(checkpoints: Path) -> str:
    return max((folder.name for folder in checkpoints.iterdir() if not folder.suffix), default="")
