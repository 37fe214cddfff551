"""`serve`: what runs in production without containers, every process under one supervisor."""

import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from streamrec.cli.files.clean_data import VAR
from streamrec.cli.installation import import_rules, program
from streamrec.cli.launch.owner import used_alone
from streamrec.cli.launch.parts import (
    attribution,
    first_model,
    history,
    index_server,
    recommender,
    trainer,
)
from streamrec.cli.launch.ports import Listener, check_port
from streamrec.cli.screen import say
from streamrec.cli.serve.notify import notify
from streamrec.cli.serve.options import PARTS, Given, ServeOptions, settled
from streamrec.cli.service_call import Service
from streamrec.cli.stopping import StopWish, stop_at_end_of_input, stopping_on_signals
from streamrec.cli.supervision.control import control_path, taking_orders
from streamrec.cli.supervision.output import into_folder, on_screen
from streamrec.cli.supervision.part import Part
from streamrec.cli.supervision.supervisor import Supervisor
from streamrec.cli.training.provenance import is_trained
from streamrec.errors import StreamrecError
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

_LOOK_PAUSE_S = 0.5

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104
"""Addresses to listen on, of which each has one to ask."""


def serve(
    config: Annotated[
        Path | None,
        typer.Option(help="Its [weights] and [serve] count; by default streamrec.toml, if it is here."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Of the recommender (default 8000).")] = None,
    index_port: Annotated[int | None, typer.Option(help="Of the index server (default 8100).")] = None,
    bind: Annotated[str | None, typer.Option(help="Address that the recommender listens on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes of the recommender.")] = None,
    log_dir: Annotated[
        Path | None, typer.Option(help="A rotated file for each part, instead of standard output.")
    ] = None,
    keys_file: Annotated[Path | None, typer.Option(help="API keys, one a line.")] = None,
    admin_keys_file: Annotated[
        Path | None, typer.Option(help="Keys that alone change items and erase users.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help=f"A part that runs elsewhere: {', '.join(PARTS)}. Repeatable.")
    ] = None,
    until_eof: Annotated[
        bool, typer.Option("--until-eof", help="Also stop at the end of standard input.")
    ] = False,
) -> None:
    """Serve what was learned, and learn from events: all processes, each started again when it ends.

    Trains on no files: where nothing was learned yet, lists are of what is popular, and the model begins with
    the first event. SIGTERM or Ctrl-C stop everything in order.
    """
    given = Given(port, index_port, bind, workers, log_dir, keys_file, admin_keys_file, without or [])
    options = settled(given, config)
    _serve(options, until_eof=until_eof)


def _serve(options: ServeOptions, *, until_eof: bool) -> None:
    os.environ.setdefault("STREAMREC_INDEX_URL", options.ports.index_url)
    os.environ |= {"PYTHONUNBUFFERED": "1", **import_rules()}
    locations = read_settings(LocationSettings)
    parts, listeners = _parts(options, locations)
    if "recommender" not in options.without:
        locations.check("api_keys_file", [options.bind])
    _warn(options, locations)
    for listener in listeners:
        check_port(listener)
    with ExitStack() as stack:
        if locations.artifacts_dir.absolute().is_relative_to(VAR.absolute()):
            stack.enter_context(used_alone(VAR))
        output = on_screen() if options.log_dir is None else into_folder(options.log_dir)
        stack.callback(output.close)
        supervisor = Supervisor(parts, output, lambda text: _tell(text, "red"))
        is_clean = _run(supervisor, options, until_eof=until_eof)
    _tell("Stopped." if is_clean else "Stopped; a part had to be killed: what it had not written is lost.")
    if not is_clean:
        raise typer.Exit(1)


def _tell(text: str, style: str = "") -> None:
    """Say something to whoever looks; a screen that is gone, or a full disk behind it, ends nothing."""
    with suppress(OSError, SystemExit):  # the latter is what rich makes of a broken pipe
        say(text, style)


def _run(supervisor: Supervisor, options: ServeOptions, *, until_eof: bool) -> bool:
    """Let the parts run until a signal; a second one hurries them. Return whether all ended by themselves."""
    # Under nohup a terminal that closes ends nothing.
    hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)

    def hurry() -> None:
        Thread(target=supervisor.hurry, daemon=True).start()

    with stopping_on_signals(*hang_up, again=hurry) as wish:
        if until_eof:
            Thread(target=stop_at_end_of_input, daemon=True).start()
        try:
            with taking_orders(supervisor, control_path(options.ports.recommender_port)):
                supervisor.start()
                _tell_when_ready(options, wish)
                wish.wait()
        finally:
            notify("STOPPING=1")
            is_clean = supervisor.close()
    return is_clean


def _warn(options: ServeOptions, locations: LocationSettings) -> None:
    """Tell what is allowed, and perhaps not meant."""
    if options.n_files and not is_trained(locations.artifacts_dir):
        learning = f"{Path(sys.executable).name} -m initial_training"
        _tell(
            f"The files of streamrec.toml are not learned: `{learning}` learns them, also while this runs."
            " Until then lists are of what is popular",
            "yellow",
        )


def _parts(options: ServeOptions, locations: LocationSettings) -> tuple[list[Part], list[Listener]]:
    """Return what is to run here, and the ports that it needs."""
    ports, command = options.ports, f"{program()} serve"
    is_index_here = "index" not in options.without and locations.index_url == ports.index_url
    parts, listeners = [], []
    if is_index_here:
        parts.append(index_server(ports.index_port))
        another = f"{command} --index-port {ports.index_port + 1}"
        listeners.append(Listener(ports.index_port, "index server", another))
    if "recommender" not in options.without:
        parts.append(recommender(ports.recommender_port, options.bind, options.n_workers))
        another = f"{command} --port {ports.recommender_port + 1}"
        listeners.append(Listener(ports.recommender_port, "recommender", another, options.bind))
    if "trainer" not in options.without:
        parts += [first_model(), trainer()]
    if "history" not in options.without:
        parts.append(history())
    if "attribution" not in options.without:
        parts.append(attribution())
    return parts, listeners


def _tell_when_ready(options: ServeOptions, wish: StopWish) -> None:
    """Wait until the recommender is ready, and say so."""
    started = time.monotonic()
    address = _EVERYWHERE.get(options.bind, options.bind)
    service = Service(f"http://{address}:{options.ports.recommender_port}")
    while "recommender" not in options.without and not wish():
        try:
            service.get("/health/ready")
            break
        except StreamrecError:
            wish.sleep(_LOOK_PAUSE_S)
    if not wish():
        notify("READY=1")
        took_s = time.monotonic() - started
        is_here = "recommender" not in options.without
        _tell(f"Ready after {took_s:.1f} s: {service.url}" if is_here else "Started", "green")
