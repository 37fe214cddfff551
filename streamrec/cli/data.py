"""`data fetch` and `data generate`."""

from pathlib import Path
from typing import Annotated

import typer

from streamrec.cli.files.opening import fetch_with_bar
from streamrec.cli.screen import output, progress_bar, say
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, TERMS
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.errors import InvalidDataset

app = typer.Typer(no_args_is_help=True, help="Fetch or generate events to train on and to replay.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Which data set.")] = ML_100K,
    data_dir: Annotated[Path, typer.Option(help="Where data sets live.")] = DEFAULT_DATA_DIR,
) -> None:
    """Fetch a named data set; needs the network only the first time."""
    if name != ML_100K:
        raise InvalidDataset(f"there is no data set {name!r}; a name is {ML_100K}")
    folder = fetch_with_bar(data_dir)
    say(TERMS, "dim")
    output.print(str(folder), markup=False)


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="FILE.csv, .jsonl (both also .gz) or .parquet.")],
    n_events: Annotated[int, typer.Option(min=1)] = 100_000,
    n_users: Annotated[int, typer.Option(min=1)] = 1_000,
    n_items: Annotated[int, typer.Option(min=1)] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds and sizes give equal files.")] = 42,
) -> None:
    """Write a synthetic stream: drifting tastes, power laws, new users and items all the time."""
    stream = SyntheticStream(n_events, n_users, n_items, seed)
    with progress_bar("Generating", n_events) as show:
        catalog = write_synthetic(stream, out, show)
    output.print(f"{out}\n{catalog}", markup=False)
