"""`lists publish`, `lists show` and `lists withdraw`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from streamrec.cli.screen import output, progress_bar, say
from streamrec.errors import InvalidInput
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

app = typer.Typer(
    no_args_is_help=True, help="Lists made beforehand, which `GET /v1/recommendations?variant=` serves."
)

Name = Annotated[str, typer.Argument(help="What requests call them, as als.")]


@app.command()
def publish(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Parquet with user_id, rank, item_id and score.")],
) -> None:
    """Publish the lists of a file, in place of those of that name; users who were erased are left out."""
    # pyarrow and the stores' drivers take a while to import: no other command should wait for them.
    from streamrec.cli.lists.publishing import publish_lists

    with progress_bar("Publishing lists") as show:
        published = publish_lists(read_settings(LocationSettings).store_url, file, name, show)
    say(f"{published.n_lists:,} lists are published as {name}")
    if published.n_erased:
        say(f"{published.n_erased:,} were left out: their users were erased", "yellow")


@app.command()
def show() -> None:
    """Show what is published."""
    from streamrec.cli.lists.publishing import published_batches

    batches = published_batches(read_settings(LocationSettings).store_url)
    if not batches:
        say("nothing is published", "yellow")
        return
    table = Table("name", "lists", "version")
    for batch in batches:
        table.add_row(batch.name, f"{batch.n_lists:,}", str(batch.version))
    output.print(table)


@app.command()
def withdraw(name: Name) -> None:
    """Delete published lists: a request that names them is refused from then on."""
    from streamrec.cli.lists.publishing import published_batches, withdraw_lists

    store_url = read_settings(LocationSettings).store_url
    if not withdraw_lists(store_url, name):
        known = ", ".join(batch.name for batch in published_batches(store_url)) or "nothing"
        raise InvalidInput(f"there are no lists {name!r}; published: {known}")
    say(f"the lists {name} are withdrawn")
