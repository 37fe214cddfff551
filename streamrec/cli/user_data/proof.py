"""Proof of an erasure: all have forgotten, every place is searched, and the search is printed."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing

from streamrec.adapters.copying import kind_of, open_copies
from streamrec.adapters.opening import open_store
from streamrec.cli.screen import output, printable, spinner
from streamrec.cli.user_data.forgetting import Forgetting
from streamrec.cli.user_data.held import HeldOfUser
from streamrec.cli.user_data.searching import Found, UserSearch
from streamrec.errors import StreamrecError, Unavailable
from streamrec.redaction import shown_url
from streamrec.settings.processes import LocationSettings
from streamrec.traces import Trace


def prove_erased(user_id: str, locations: LocationSettings, wait_s: float, *, vacuum: bool) -> bool:
    """Print where a user was searched for and what was found; return whether nothing is left that should not.

    Raises
    ------
    Unavailable, ConfigurationError
        When a place can't be searched.
    """
    held = HeldOfUser(user_id, locations)
    came_back = held.came_back()
    remembering = {} if came_back else Forgetting(user_id, locations, held.last_erasure()).wait(wait_s)
    scrubbed = list(_scrubbed(locations)) if vacuum else [_not_scrubbed(locations)]
    trace = Trace(user_id, is_of_item=asyncio.run(_is_of_item(user_id, locations)))
    with spinner("Searching"):
        found = [
            *UserSearch(trace, locations, came_back).everywhere(),
            *_live_vectors(held, came_back),
            *scrubbed,
        ]
    _print(found, remembering, trace, came_back=came_back)
    return not remembering and all(one.verdict != "left" for one in found)


def _scrubbed(locations: LocationSettings) -> Iterator[Found]:
    """Write store and cache anew where that is in our hands; yield what free space may hold."""
    for url in dict.fromkeys((locations.store_url, locations.cache_url)):
        with closing(open_copies(url)) as copies:
            try:
                if copies.scrub():
                    yield Found(shown_url(url), "free space, write-ahead log", 0, "none")
                else:
                    remark = (
                        "the server's files are not searched: what was deleted goes as it writes them anew"
                    )
                    yield Found(shown_url(url), f"files of {kind_of(url)}", 0, "none", remark)
            except Unavailable as error:
                yield Found(shown_url(url), "free space", 1, "left", f"may hold what was deleted: {error}")


def _not_scrubbed(locations: LocationSettings) -> Found:
    remark = "may hold what was deleted until its pages are used again; without --no-vacuum it is cleared"
    return Found(shown_url(locations.store_url), "free space", 0, "yours", remark)


def _live_vectors(held: HeldOfUser, came_back: bool) -> Iterator[Found]:  # noqa: FBT001
    """Yield whether the last record of the user's vectors still has one."""
    n = held.n_live_vectors()
    if not came_back:
        remark = "the last record of the user has a vector" if n else ""
        yield Found(
            shown_url(held.locations.vectors_url), "vectors that count", n, "left" if n else "none", remark
        )


async def _is_of_item(id_: str, locations: LocationSettings) -> bool:
    store = open_store(locations.store_url)
    try:
        return id_ in await store.get_items([id_])
    except StreamrecError:
        return False
    finally:
        await store.aclose()


def _print(found: list[Found], remembering: Mapping[str, str], trace: Trace, *, came_back: bool) -> None:
    lines = [
        f"{one.place}  {one.part}: {one.n} found{_words_of(one)}" for one in found if one.n or one.remark
    ]
    places = dict.fromkeys(one.place for one in found)
    for place in places:
        parts = [one.part for one in found if one.place == place and not one.n and not one.remark]
        if parts:
            lines.append(f"{place}  {len(parts)} searched, 0 found: {', '.join(filter(None, parts))}")
    for part, said in remembering.items():
        lines.append(f"LEFT  {part} has not forgotten: {said}")
    if trace.is_of_item:
        lines.append("an item has the same id: it was searched for where ids of users alone stand")
    if came_back:
        lines.append("there are events from after the erasure: the user came back, and is held anew")
    n_left = sum(one.verdict == "left" for one in found) + len(remembering)
    lines.append(f"{n_left} left that should be gone" if n_left else "nothing is left that should be gone")
    for line in lines:
        output.print(printable(line), markup=False)


def _words_of(found: Found) -> str:
    words = {"left": "LEFT: ", "yours": "", "later": "", "none": ""}[found.verdict]
    return f"; {words}{found.remark}" if found.remark else ""
