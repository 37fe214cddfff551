"""`parts`: how the processes of a running system do, and orders to them."""

from pathlib import Path
from typing import Annotated

import typer

from streamrec.cli.choices import PortSettings
from streamrec.cli.files.clean_data import VAR
from streamrec.cli.screen import output, printable
from streamrec.cli.supervision.control import CONTROLS, Action, Order, control_path, ordered
from streamrec.cli.supervision.part import PartStatus
from streamrec.errors import InvalidInput, Unavailable
from streamrec.settings.reading import read_settings


def parts(
    action: Annotated[Action, typer.Argument(help="What to do.")] = "status",
    names: Annotated[list[str] | None, typer.Argument(help="With which parts; by default with all.")] = None,
    port: Annotated[
        int | None, typer.Option(help="The recommender's, where several systems run in this folder.")
    ] = None,
) -> None:
    """Show the processes that `serve`, `run` or `stack-local` runs in this folder; stop or restart some."""
    for part in ordered(_control_of(port), Order(action, names or [])):
        output.print(printable(_line_of(part)), markup=False)


def _control_of(port: int | None) -> Path:
    found = sorted(VAR.glob(CONTROLS))
    wanted = control_path(port or read_settings(PortSettings).recommender_port)
    if wanted in found or port is not None:
        return wanted
    if not found:
        raise Unavailable(f"nothing runs here: no supervisor listens in {VAR.absolute()}")
    if len(found) > 1:
        names = ", ".join(path.stem.rpartition("-")[2] for path in found)
        raise InvalidInput(f"several systems run here: choose one by --port, of {names}")
    return found[0]


def _line_of(part: PartStatus) -> str:
    pid = f"process {part.pid}" if part.pid else ""
    started = f"started {part.n_starts} times" if part.n_starts > 1 else ""
    words = f"{part.name:<12} {part.state:<8} {pid:<16} {started}".rstrip()
    return "\n    ".join([words, *part.trouble.splitlines()])
