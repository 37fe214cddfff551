"""`promote` and `rollback`: champion and challenger change roles, while everything runs."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.screen import say, spinner
from streamrec.cli.service_call import Service, index_at
from streamrec.domain.generations.roles import Promotion, PromotionName
from streamrec.errors import StreamrecError, Unavailable
from streamrec.ports import COMMANDS, Message
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.wire import Command, encode_command

_PAUSE_S = 0.1

Generation = Annotated[
    str, typer.Argument(help="The challenger's name; to be sure that it is the one meant.")
]
Wait = Annotated[float, typer.Option("--wait-s", min=0, help="Wait so long for the end; 0: not at all.")]
Unseen = Annotated[bool, typer.Option("--unseen", help="Also when the index does not serve it (yet).")]


def promote(generation: Generation = "", wait_s: Wait = 60.0, unseen: Unseen = False) -> None:
    """Make the challenger the champion; the old champion learns on beside it."""
    _change_locations("promote", generation, wait_s, unseen=unseen)


def rollback(generation: Generation = "", wait_s: Wait = 60.0, unseen: Unseen = False) -> None:
    """Go back to the champion before the last promotion."""
    _change_locations("rollback", generation, wait_s, unseen=unseen)


def _change_locations(name: PromotionName, generation: str, wait_s: float, *, unseen: bool) -> None:
    locations = read_settings(LocationSettings)
    record = SnapshotRoles(locations.artifacts_dir)
    promotion = record.read().next_promotion(name, generation, time.time())
    if not (unseen or locations.is_index_in_process):
        _look_into_index(index_at(locations), promotion)
    sink = open_event_sink(locations.events_url)
    try:
        payload = encode_command(Command(name, promotion.at, "command line"))
        sink.append(COMMANDS, [Message(promotion.champion, payload)])
    finally:
        sink.close()
    say(f"Asked the trainer to make {promotion.champion} the champion instead of {promotion.challenger}")
    if wait_s:
        with spinner("Waiting until all users have moved"):
            _wait(lambda: record.read().promotion == _done(promotion), wait_s, promotion)
        say(f"Generation {promotion.champion} is live; {promotion.challenger} learns on as the challenger")


def _look_into_index(index: Service, promotion: Promotion) -> None:
    """See that the index could answer for users who have moved.

    Raises
    ------
    Unavailable
        When it could not.
    """
    try:
        stats = index.get("/v1/stats")
    except StreamrecError as error:
        raise Unavailable(
            f"{error}; without an index nobody is personalized (--unseen: nevertheless)"
        ) from None
    served = [stats.get("generation"), *(other["generation"] for other in stats.get("previous", ()))]
    if promotion.champion not in served:
        raise Unavailable(
            f"the index at {index.address} does not serve {promotion.champion!r} (yet): users who have"
            f" moved would be shown what is popular; {stats.get('loading_problem') or 'wait a moment'}"
            " (--unseen: nevertheless)"
        )


def _done(promotion: Promotion) -> Promotion:
    return Promotion(promotion.name, promotion.champion, promotion.challenger, promotion.at, is_done=True)


def _wait(is_true: Callable[[], bool], wait_s: float, promotion: Promotion) -> None:
    deadline = time.monotonic() + wait_s
    while not is_true():
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{promotion.champion} is not live after {wait_s:g} s. The command stands in the log: a"
                " trainer carries it out when it reads it, and says in its log when it refuses"
            )
        time.sleep(_PAUSE_S)
