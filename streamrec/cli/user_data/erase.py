"""`erase`: a user is erased, and what is left is searched for."""

from typing import Annotated

import typer

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.screen import say
from streamrec.cli.service_call import Service, quoted
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

EXIT_LEFT = 1

_TIMEOUT_S = 60.0
"""Of a user who has seen a million items, deleting them takes some seconds."""


def erase(
    user_id: Annotated[str, typer.Argument(metavar="USER", help="Id of the user.")],
    prove: Annotated[
        bool, typer.Option("--prove", help="Wait until all have forgotten the user, then search everything.")
    ] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for that at most.")] = 300.0,
    vacuum: Annotated[
        bool, typer.Option(help="Write SQLite's store and cache anew, so that no free space holds anything.")
    ] = True,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Erase a user, as `DELETE /v1/users/{user_id}` does; with --prove, show that nothing is left.

    The search is printed: where, how many, and what goes when. Ends with 1 when something is left that should
    be gone.
    """
    service = Service(url or read_settings(PortSettings).recommender_url, api_key, _TIMEOUT_S)
    service.call("DELETE", f"/v1/users/{quoted(user_id)}")
    say(f"{user_id!r} is erased")
    if prove:
        # What it works with takes seconds to import.
        from streamrec.cli.user_data.proof import prove_erased

        if not prove_erased(user_id, read_settings(LocationSettings), wait, vacuum=vacuum):
            raise typer.Exit(EXIT_LEFT)
