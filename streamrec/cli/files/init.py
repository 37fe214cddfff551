"""`init`: looks at files, says what was found and how sure that is, and writes `streamrec.toml`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from streamrec.cli.files.options import takes_reading
from streamrec.cli.installation import program
from streamrec.cli.screen import output, printable, say, spinner
from streamrec.datasets.file_options import CONFIG_NAME
from streamrec.datasets.files.reading import Reading
from streamrec.errors import InvalidInput

if TYPE_CHECKING:  # see `init`
    from streamrec.datasets.detection.findings import Finding


@takes_reading
def init(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of events and of items, or folders of parts.", show_default=False),
    ],
    reading: Reading,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path(CONFIG_NAME),
    force: Annotated[bool, typer.Option("--force", help="Replace it if it is there.")] = False,  # noqa: FBT002
) -> None:
    """Look at files of events and items, say what is in them, and write what `run` needs to know."""
    # What detects encodings, and what writes TOML, no other command should wait for.
    from streamrec.cli.files.config_writer import write_config
    from streamrec.datasets.detection.looking import find_out

    if out.exists() and not force:
        raise InvalidInput(f"{out} is there: --force replaces it, --out writes another one")
    with spinner(printable("Looking at " + ", ".join(map(str, files)))):
        findings = find_out(files, reading)
    for finding in findings:
        _say(finding)
    write_config(out, findings)
    n_guesses = sum(role.is_guess for finding in findings for role in finding.roles.values())
    if n_guesses:
        say(
            f"Guessed columns: {n_guesses}; look at them in {out}, and correct them there or by --map",
            "yellow",
        )
    if not any(finding.is_events for finding in findings):
        say(f"{out} names items only: `{program()} init` wants a file of events as well", "yellow")
        return
    command = f"{program()} run" + ("" if out == Path(CONFIG_NAME) else f" --config {out}")
    say(f"Wrote {out}. Learn it all and serve it: {command}", "green")


def _say(finding: "Finding") -> None:
    what = "events" if finding.is_events else "items"
    head = f"{finding.path}: {what}, {finding.n_rows:,} rows looked at"
    output.print(Text(printable(head), style="bold"))
    table = Table(box=SIMPLE, show_edge=False)
    for head in ("field", "column", "rows that fit", ""):
        table.add_column(head)
    for field, role in finding.roles.items():
        why = Text(role.reason, "yellow" * role.is_guess)
        table.add_row(field, Text(printable(role.column[:60])), f"{role.share:.1%}", why)
    output.print(table)
    for note in finding.notes:
        output.print(Text(printable(f"  {note}")))
    for doubt in finding.doubts:
        output.print(Text(printable(f"  {doubt}"), "yellow"))
