"""One history again, by its seed: ``python -m tests.histories --seed 5 --on services --actions 60``.

With ``--n`` those of so many seeds, one after the other, in one system. What fails is shrunk, and printed.
"""

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.histories.campaign import Campaign
from tests.histories.truth import Place


def main(
    seed: Annotated[int, typer.Option(help="The first history's.")] = 0,
    n: Annotated[int, typer.Option(min=1, help="Histories.")] = 1,
    on: Annotated[Place, typer.Option(help="What is below.")] = "embedded",
    actions: Annotated[int, typer.Option(min=1, help="In each history.")] = 60,
    shrink: Annotated[bool, typer.Option(help="Look for a shorter history that fails.")] = True,
) -> None:
    """Let histories happen; exit with 1 when one fails."""
    n_failed = 0
    with tempfile.TemporaryDirectory(prefix="histories-") as folder:
        campaign = Campaign(Path(folder), on, actions, is_shrinking=shrink)
        try:
            for one in range(seed, seed + n):
                begun = time.monotonic()
                failure = campaign.failure_of(one)
                n_failed += failure is not None
                typer.echo(f"seed {one}: {failure or 'passed'} ({time.monotonic() - begun:.0f} s)")
        finally:
            campaign.close()
    raise typer.Exit(int(n_failed > 0))


if __name__ == "__main__":
    typer.run(main)
