"""`experiment off-policy`: what another share of exploration would bring, out of the logs alone."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.attribution.inputs import ErasedUsers, KindRules, acts_of, taken_lists
from streamrec.cli.screen import output
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.experiments.attribution import CLICK
from streamrec.ports import IMPRESSIONS, INTERACTIONS, Record
from streamrec.process.decoding import decode_events
from streamrec.settings.attribution import AttributionSettings
from streamrec.settings.processes import LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings

_NEVER = float("inf")


if TYPE_CHECKING:
    from streamrec.attribution.exploring import ExploredLists
    from streamrec.experiments.statistics.off_policy import Estimate, OffPolicy


def off_policy(
    exploration: Annotated[float, typer.Option(min=0, max=1, help="Share of positions for new items.")],
    window_s: Annotated[float, typer.Option(min=0, help="From a list to a click on it, at most.")] = 1800.0,
    most: Annotated[int, typer.Option(min=1, help="Newest lists that are read.")] = 200_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Estimate what lists would bring that explore more or less than those that were shown."""
    # Imported where it is wanted: no other command needs SciPy to start.
    from streamrec.attribution.exploring import ExploredLists, estimated

    lists = _read(ExploredLists(most, window_s))
    found = estimated(lists.kept(), exploration)
    if as_json:
        output.print_json(json.dumps(_figures(found) | {"n_without_chance": lists.n_without_chance}))
        return
    for line in _lines(found, lists.n_without_chance):
        output.print(line, markup=False)


def _lines(found: "OffPolicy", n_without_chance: int) -> Iterator[str]:
    """Yield the figures for people."""
    yield (
        f"{found.n} positions of {found.n_users} users that chance had a part in;"
        f" {n_without_chance} lists without it are left out"
    )
    names = {"as shown": found.logged, "IPS": found.ips, "SNIPS": found.snips}
    for name, estimate in (names | {"doubly robust": found.doubly_robust}).items():
        if estimate is not None:
            yield f"{name:15}{_told(estimate)} clicks a position"
    yield f"{'mean weight':15}{_told(found.mean_weight)}; worth {found.effective_n:.0f} positions as shown"
    if not found.is_supported:
        yield "Do not rely on this: the weights have no mean of 1, for what was shown says too little"


def _told(estimate: "Estimate") -> str:
    bounds = estimate.interval
    return f"{estimate.value:.4f}" + ("" if bounds is None else f" ({bounds[0]:.4f} to {bounds[1]:.4f})")


def _figures(found: "OffPolicy") -> dict[str, Any]:
    """Return the figures for programs."""
    figures = found._asdict()
    named = ("logged", "ips", "snips", "doubly_robust", "mean_weight")
    estimates = {name: figures[name]._asdict() for name in named if figures[name] is not None}
    return figures | estimates | {"is_supported": found.is_supported}


def _read(lists: "ExploredLists") -> "ExploredLists":
    """Read both topics, and attribute clicks to lists."""
    from streamrec.attribution.exploring import read_to_the_end

    locations, settings = read_settings(LocationSettings), read_settings(AttributionSettings)
    rules = KindRules(read_settings(TrainerSettings).weights, settings.click_types, settings.purchase_types)
    with closing(open_trainer_store(locations.store_url)) as store:
        erased = ErasedUsers(store)
    repeats = RecentIds(settings.dedupe_window)

    def take_list(record: Record) -> None:
        for exposure, _ in taken_lists([record], erased, _NEVER).exposures:
            lists.add(exposure)

    def take_event(record: Record) -> None:
        decoded = decode_events([record], repeats)
        for act in acts_of(decoded.events, decoded.arrivals, rules.of, _NEVER):
            if act.kind == CLICK:
                lists.click(act)

    for topic, take in ((IMPRESSIONS, take_list), (INTERACTIONS, take_event)):
        with closing(open_event_source(locations.events_url, [topic], "off-policy")) as source:
            read_to_the_end(source, take)
    return lists
