"""What `initial_training.py` does between its arguments and its exit code."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from tenacity import Retrying

from streamrec import __version__
from streamrec.adapters.open_cache import open_cache_publisher
from streamrec.adapters.open_event_source import open_event_source
from streamrec.adapters.open_store import open_trainer_store
from streamrec.adapters.snapshot_directory import read_snapshot, set_current, write_snapshot
from streamrec.adapters.snapshot_roles import CHANGELOG_LANE, lane_of_next, set_challenger
from streamrec.cli.choices import read_settings
from streamrec.cli.screen import progress_bar, say, spinner
from streamrec.datasets.event_set import EventSet
from streamrec.domain.interaction import EventWeights, Interaction
from streamrec.domain.prequential import Events
from streamrec.ports import INTERACTIONS, ITEM_VECTORS, USER_VECTORS, Offsets
from streamrec.settings import LearningSettings, PlaceSettings, TrainerSettings, shown_url
from streamrec.telemetry import NullMetrics
from streamrec.training.absorb import LabelsOf, LearningRules
from streamrec.training.categories import ItemCategories
from streamrec.training.checkpoints import Checkpoints
from streamrec.training.fit import FitOptions, FitReport
from streamrec.training.initial import Release, Start, events_of, release, train_initially
from streamrec.training.learner import use_one_thread
from streamrec.training.lease import LeaseKeeper, owner_name
from streamrec.training.patience import patiently
from streamrec.training.trainer_state import TrainerState

_LEASE = "initial-training"
_LEASE_DURATION_S = 30.0


@dataclass(frozen=True)
class History:
    """Events to learn from in their order, and what they are for the record.

    `stream_offsets` says where the stream goes on after them; reading the stream fills it.
    """

    events: Iterable[Interaction]
    lineage: dict[str, Any]
    stream_offsets: Offsets


def history_of(events: EventSet, until_fraction: float) -> History:
    """Return the first part of a data set, by time."""
    end = events.split_at(until_fraction)
    lineage = {"name": events.name, "sha256": events.content_hash, "until_fraction": until_fraction}
    return History(events[:end], lineage | {"n_events": end}, {})


def history_of_stream(places: PlaceSettings) -> History:
    """Return all that the interactions topic holds by now."""
    source = open_event_source(places.events_url, [INTERACTIONS], _LEASE)
    ends = _patiently()(source.end_offsets)
    return History(events_of(source), {"name": shown_url(places.events_url), "offsets": ends}, ends)


def train(
    history: History, options: FitOptions, warm_from: Path | None, *, as_challenger: bool = False
) -> bool:
    """Train a generation, publish it and make it live; say whether it ranks at least as well as popularity.

    Parameters
    ----------
    as_challenger
        Let it learn beside the live generation instead of taking its place.

    Raises
    ------
    InvalidInput
        When nothing can be learned from the history, the vectors to start from do not fit, or there is no
        live generation to challenge.
    UnknownId, CorruptArtifact
        When the generation to start from is not there or not whole.
    """
    places, learning = read_settings(PlaceSettings), read_settings(LearningSettings)
    settings = read_settings(TrainerSettings)
    warm = None if warm_from is None else read_snapshot(warm_from.parent, warm_from.name)
    lane = lane_of_next(places.artifacts_dir, as_challenger=as_challenger)
    _look_for_parts(places)
    now = time.time()
    use_one_thread()
    name = _generation_name(now, history.lineage | {"learning": learning.model_dump()})
    state = TrainerState(name, learning, settings)
    state.changelog_lane = lane
    # Every item is learned from the history alone; metadata tells what users chose.
    weights = EventWeights(settings.event_weights, settings.default_event_weight)
    rules = LearningRules(weights, settings.value_weight, lambda _item_id: (), _labels_of(places))
    start = Start(history.events, rules, options, warm)
    with progress_bar("Training, epochs") as show:
        past, report = train_initially(state, start, lambda done, total, _so_far: show(done, total))
    _say_report(report)
    provenance = {
        "data": history.lineage,
        "code_version": __version__,
        "learning": learning.model_dump(),
        CHANGELOG_LANE: lane,
        "options": asdict(options),
        "metrics": {"gmf": report.gmf, "popularity": report.popularity},
        "warm_from": None if warm is None else warm.generation,
    }
    _release(state, past, replace(history, lineage=provenance), places, as_challenger=as_challenger)
    n_users, n_items = len(state.user_ids), len(state.item_ids)
    is_what = "is the challenger" if as_challenger else "is live"
    say(f"Generation {state.generation} {is_what}: {n_users:,} users, {n_items:,} items")
    return not report.is_below_popularity


def _patiently() -> Retrying:
    """Return a caller that waits for parts that are away; Ctrl-C ends it."""
    return patiently(Event(), NullMetrics())


def _look_for_parts(places: PlaceSettings) -> None:
    """Wait for what the model will be published to: better now than after the training.

    Raises
    ------
    ConfigurationError
        When a part refuses us.
    """
    store, cache = open_trainer_store(places.store_url), open_cache_publisher(places.cache_url)
    changelog = open_event_source(places.vectors_url, [ITEM_VECTORS, USER_VECTORS], _LEASE)
    patient = _patiently()
    with spinner("Looking for the document store, the cache and the log of vectors"):
        lease = patient(store.acquire, f"{_LEASE}-probe", owner_name(), 1.0, time.time())
        if lease is not None:
            patient(store.release, lease)
        patient(cache.publish_popular, {})
        patient(changelog.end_offsets)
    for part in (store, cache, changelog):
        part.close()


def _labels_of(places: PlaceSettings) -> LabelsOf:
    """Return what items count for in profiles, as far as their metadata is stored by now."""
    store = open_trainer_store(places.store_url)
    categories = _patiently()(lambda: ItemCategories(store.read_items()))
    store.close()
    return categories.labels


def _release(
    state: TrainerState, past: Events, history: History, places: PlaceSettings, *, as_challenger: bool
) -> None:
    store, cache = open_trainer_store(places.store_url), open_cache_publisher(places.cache_url)
    changelog = open_event_source(places.vectors_url, [ITEM_VECTORS, USER_VECTORS], _LEASE)
    lease = LeaseKeeper(store, _LEASE, owner_name(), _LEASE_DURATION_S, time.time)
    patient = _patiently()
    with spinner("Waiting for another initial training to end"):
        patient(lease.wait, lambda: False, time.sleep)
    to = Release(
        store=store,
        cache=cache,
        checkpoints=Checkpoints(places.artifacts_dir, state.generation),
        lease=lease,
        write_snapshot=partial(write_snapshot, places.artifacts_dir),
        announce=partial(set_challenger if as_challenger else set_current, places.artifacts_dir),
        changelog_offsets=patient(changelog.end_offsets),
        stream_offsets=history.stream_offsets,
        provenance=history.lineage,
        created_at=time.time(),
        publishes_users=not as_challenger,
    )
    with progress_bar("Publishing users") as show:
        patient(release, state, past, to, show)  # a repeat writes the same again
    lease.release()
    for part in (store, cache, changelog):
        part.close()


def _generation_name(now: float, lineage: dict[str, Any]) -> str:
    """Return a name that sorts by time and differs by what was learned from."""
    digest = hashlib.sha256(repr(sorted(lineage.items())).encode()).hexdigest()
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{digest[:6]}"


def _say_report(report: FitReport) -> None:
    for number, epoch in enumerate(report.epochs, start=1):
        kept = "  <- kept" if number == report.best_epoch else ""
        say(f"  epoch {number}: loss {epoch.loss:.3f}, recall@10 {epoch.metrics['recall_at_10']:.3f}{kept}")
    gmf, popularity = report.gmf["recall_at_10"], report.popularity["recall_at_10"]
    n_events = report.gmf["n_events"]
    say(f"Validation on {n_events:,} later events: recall@10 {gmf:.3f}, popularity {popularity:.3f}")
    if report.is_below_popularity:
        say("warning: the model ranks worse than popularity does; more events, or other", "yellow")
        say("STREAMREC_LEARNING_... settings, may mend that; it is released nevertheless.", "yellow")
