"""What is found in a system, compared with the truth: at any moment, and once everything has recovered."""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import msgspec

from streamrec.adapters.opening import open_cache, open_store
from streamrec.domain.bars.bar import Bar
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.domain.users.user import UserState
from streamrec.errors import StreamrecError
from tests.histories.system.asking import Answer
from tests.histories.system.system import System
from tests.histories.truth import DISLIKED, ITEMS, USERS, VOLATILE, Truth

_MOST = 1000
"""Items or rankings asked for: more than there are."""

_LONGEST_ANSWER_S = 30.0
"""What a list may take on a busy machine, though each part is waited for half a second."""


class Found(NamedTuple):
    """What stands in the document store and the hot cache, by ids without prefix."""

    prefix: str
    states: dict[str, UserState]
    seen: dict[str, set[str]]
    popular: dict[str, float]
    bars: dict[str, list[Bar]]
    results: ExperimentResults | None

    def n_events(self, user_id: str) -> int:
        """Return how many events of a user count."""
        return self.states[user_id].n_events if user_id in self.states else 0

    def disliked(self, user_id: str) -> set[str]:
        """Return what is never offered to a user."""
        disliked = self.states[user_id].disliked if user_id in self.states else ()
        return {item_id.removeprefix(self.prefix) for item_id in disliked}


def wrong_at_any_time(system: System, truth: Truth, gone: set[str], number: int) -> Iterator[str]:
    """Give what is wrong although parts may be away: with a list, and with what is known of a user.

    Parameters
    ----------
    gone
        Items that may not be offered any more.
    number
        Chooses the user.
    """
    user_id = Random(number).choice(USERS)
    answer = _list_of(system, truth, user_id)
    if answer.status != 200:
        yield f"a list of {user_id} is answered by {answer.status} {answer.body}"
    elif offered := gone & _ids(system, answer.body):
        yield f"{sorted(offered)} are offered to {user_id}, degraded={answer.body['degraded']}"
    if answer.took_s > _LONGEST_ANSWER_S:
        yield f"a list took {answer.took_s:.1f} s"
    known = system.ask("GET", f"/v1/users/{system.prefix}{user_id}")
    if known.status not in ((200, 404, 503) if truth.may_fail or system.servers else (200, 404)):
        yield f"{user_id} is answered by {known.status} {known.body}"
    elif known.status == 200 and user_id not in truth.erased:
        most = truth.n_events(user_id)[1]
        if known.body["n_events"] > most:
            yield f"{user_id} has {known.body['n_events']} events of {most}"


def wrong_after_all(system: System, truth: Truth) -> list[str]:
    """Return what is wrong once everything runs and had time; may be so still for a while."""
    try:
        found = asyncio.run(_found(system))
        return [
            *_wrong_in_stores(truth, found),
            *_wrong_in_lists(system, truth),
            *_wrong_roles(system, truth, found),
            *_wrong_bars(system, truth, found),
            *_wrong_results(system, truth, found.results),
        ]
    except StreamrecError as error:
        return [f"{type(error).__name__}: {error}"]


def _wrong_in_stores(truth: Truth, found: Found) -> Iterator[str]:
    for user_id in USERS:
        least, most = truth.n_events(user_id)
        if not least <= found.n_events(user_id) <= most:
            yield f"{user_id} has {found.n_events(user_id)} events of {least} to {most}"
        if wrong := truth.seen(user_id).difference(found.seen[user_id]):
            yield f"{user_id} has seen: {wrong}"
        if wrong := truth.disliked(user_id).difference(found.disliked(user_id)):
            yield f"{user_id} dislikes: {wrong}"
    for item_id in truth.items_in("unknown", "shown"):
        must, may = truth.choosers(item_id)
        n_choosers = found.popular.get(item_id, 0.0)
        if not len(must) - 0.01 <= n_choosers <= len(may) + 0.01:
            yield f"{item_id} was chosen by {n_choosers} of {len(must)} to {len(may)}"
    if gone := found.popular.keys() & truth.items_in("hidden", "deleted"):
        yield f"{sorted(gone)} are popular"


def _wrong_in_lists(system: System, truth: Truth) -> Iterator[str]:
    gone, shown = set(truth.items_in("hidden", "deleted")), set(truth.items_in("shown"))
    for user_id in USERS:
        answer = _list_of(system, truth, user_id)
        if answer.status != 200 or answer.body["degraded"]:
            yield f"a list of {user_id} is degraded, or none: {answer.status}"
            continue
        least, most = truth.n_events(user_id)
        of_all = system.ask("GET", "/v1/recommendations", user_id=system.prefix + user_id)
        based_on = of_all.body["based_on"] if of_all.status == 200 else f"status {of_all.status}"
        if (least and based_on != "user_id") or (not most and based_on == "user_id"):
            yield f"a list of {user_id} is based on {based_on}"
        offered = _ids(system, answer.body)
        seen, disliked = truth.seen(user_id), truth.disliked(user_id)
        if wrong := offered & (gone | seen.must | disliked.must):
            yield f"{sorted(wrong)} are offered to {user_id}"
        if missing := shown - offered - seen.may - disliked.may:
            yield f"{sorted(missing)} are not offered to {user_id}"
        known = system.ask("GET", f"/v1/users/{system.prefix}{user_id}").status
        if known not in ([200] if least else [404] if not most else [200, 404]):
            yield f"{user_id} is answered by {known}"


def _wrong_roles(system: System, truth: Truth, found: Found) -> Iterator[str]:
    roles = system.roles.read()
    if roles.under_way is not None:
        yield f"a promotion is under way: {roles}"
    if truth.champion and roles.champion != truth.champion:
        yield f"the champion is {roles.champion}, not {truth.champion}"
    stats = system.ask_index("/v1/stats")
    if stats.status != 200 or stats.body["generation"] != roles.champion:
        yield f"the index serves {stats.body and stats.body['generation']}, not {roles.champion}"
    generations = {state.generation for state in found.states.values()}
    if generations - {roles.champion}:
        yield f"users are of {generations}, not of {roles.champion}"


def _wrong_bars(system: System, truth: Truth, found: Found) -> Iterator[str]:
    for item_id in ITEMS:
        if wrong := truth.kept.wrong_bars(item_id, found.bars[item_id], system.began_at):
            yield f"{item_id} has {wrong}"
    deleted = truth.items_in("deleted")
    for item_id in VOLATILE:
        n, most = sum(bar.count for bar in found.bars[item_id]), truth.kept.n_ticks(item_id)
        if n > (0 if item_id in deleted else most):
            yield f"{item_id} has {n} ticks of {most}, deleted={item_id in deleted}"


def _wrong_results(system: System, truth: Truth, results: ExperimentResults | None) -> Iterator[str]:
    clicks = 0 if results is None else sum(one.clicks for one in results.funnel.values())
    lists = 0 if results is None else sum(one.n_exposures for one in results.variants)
    least, most = truth.kept.n_clicks()
    if not least <= clicks <= most:
        yield f"{clicks} clicks of {least} to {most}"
    least, most = truth.kept.n_lists()
    if not least <= lists <= most + system.n_lists:
        yield f"{lists} lists of {least} to {most}, and {system.n_lists} that were asked for"


def _list_of(system: System, truth: Truth, user_id: str) -> Answer:
    only_ids = [system.prefix + item_id for item_id in (*truth.items, *DISLIKED)]
    user_id = system.prefix + user_id
    return system.ask("GET", "/v1/recommendations", user_id=user_id, k=50, only_ids=only_ids)


def _ids(system: System, body: Any) -> set[str]:
    return {item["item_id"].removeprefix(system.prefix) for item in body["items"]}


async def _found(system: System) -> Found:
    locations = system.locations()
    store, cache = open_store(locations.store_url), open_cache(locations.cache_url)
    prefix = system.prefix
    try:
        documents = await store.get_users([prefix + user_id for user_id in USERS])
        seen = {user_id: await store.seen_items(prefix + user_id, _MOST) for user_id in USERS}
        ranking = await cache.popular("all", _MOST)
        held = {item_id: await cache.history(prefix + item_id) for item_id in (*ITEMS, *VOLATILE)}
        results = await store.get_results(system.experiment.id)
    finally:
        await cache.aclose()
        await store.aclose()
    states = {
        user_id.removeprefix(prefix): document.state
        for user_id, document in documents.items()
        if document.state is not None
    }
    return Found(
        prefix,
        states,
        {user_id: {one.removeprefix(prefix) for one in items} for user_id, items in seen.items()},
        {one.item_id.removeprefix(prefix): one.score for one in ranking if one.item_id.startswith(prefix)},
        {item_id: [] if one is None else one.bars for item_id, one in held.items()},
        None if results is None else msgspec.json.decode(results, type=ExperimentResults),
    )
