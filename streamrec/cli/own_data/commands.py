"""`own-data inspect` and `own-data train`: started by the recommender, of little use to people.

They are processes of their own: a file that takes all the memory, or ends its reader, ends no service, and
the service needs nothing of what reads and learns.
"""

from pathlib import Path
from typing import Annotated

import typer

from streamrec.datasets.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="What the recommender starts for files that are uploaded.")

Folder = Annotated[Path, typer.Argument(help="The workspace that the recommender keeps.")]


@app.command()
def inspect(folder: Folder) -> None:
    """Look at the files of a workspace, and write down what was found."""
    from streamrec.cli.own_data.inspection import inspected  # as in `init`

    workspace = Workspace(folder)
    workspace.write_found(inspected(workspace))


@app.command()
def train(folder: Folder) -> None:
    """Train on the files of a workspace, for the job on standard input; end with it."""
    from streamrec.cli.own_data.training import train_workspace

    train_workspace(Workspace(folder))
