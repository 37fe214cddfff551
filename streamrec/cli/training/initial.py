"""Work of `initial_training.py` between its arguments and its exit code."""

import hashlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from streamrec import __version__
from streamrec.adapters.files.roles import CHANGELOG_SLOT, SnapshotRoles, slot_of_next
from streamrec.adapters.files.snapshots import read_snapshot, write_snapshot
from streamrec.adapters.opening import open_cache_publisher, open_event_source, open_trainer_store
from streamrec.cli.screen import progress_bar, say, spinner
from streamrec.cli.training.before import Before, things_before
from streamrec.cli.training.initial_history import LEASE, History, until_told
from streamrec.domain.items.content_index import ContentIndex
from streamrec.domain.ranking.metrics import summary
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.initial.fit import FitOptions, FitReport, K
from streamrec.learning.initial.release import (
    NewlyErased,
    Release,
    Start,
    enter_catalog,
    release,
    train_initially,
)
from streamrec.learning.learner import use_one_thread
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import ITEM_VECTORS, USER_VECTORS, TrainerStore
from streamrec.process.lease import LeaseKeeper, owner_name
from streamrec.promotion.admission import N_EVENTS, Admission, EnoughData
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings

_LEASE_DURATION_S = 30.0

_NO_EVENTS = Events(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32))

_OF_NO_EVENTS = summary(np.zeros(0, np.int64), K)

_NO_REPORT = FitReport([], 0, _OF_NO_EVENTS, _OF_NO_EVENTS)


def train(
    history: History,
    options: FitOptions,
    warm_from: Path | None,
    *,
    as_challenger: bool = False,
    admission: Admission | None = None,
) -> bool:
    """Train a generation, publish it and make it live; say whether it ranks at least as well as popularity.

    Parameters
    ----------
    as_challenger
        Let it learn beside the live generation instead of replacing it.
    admission
        Decides whether it may be published; by default any may.

    Raises
    ------
    RefusedGeneration
        When it may not.
    InvalidInput
        When nothing can be learned from the history, the vectors to start from do not fit, or there is no
        live generation to challenge.
    UnknownId, CorruptArtifact
        When the generation to start from is not there or not whole.
    """
    locations, learning = read_settings(LocationSettings), read_settings(LearningSettings)
    settings = read_settings(TrainerSettings)
    warm = None if warm_from is None else read_snapshot(warm_from.parent, warm_from.name)
    slot = slot_of_next(locations.artifacts_dir, as_challenger=as_challenger)
    _look_for_parts(locations)
    use_one_thread()
    admission = admission or EnoughData(None, 0.0, "")
    name = _generation_name(time.time(), history.lineage | {"learning": learning.model_dump()})
    state = TrainerState(name, learning, settings)
    state.changelog_slot = slot
    state.log = history.log
    store = open_trainer_store(locations.store_url)
    before = things_before(locations, store, settings)
    start = Start((), _rules(settings, before), options, warm)
    past, report = _fitted(state, history, before, start, store, admission)
    _say_report(report)
    changed = before.commands.changed_items
    until_told()(lambda: enter_catalog(state, store.read_items(changed), before.categories, time.time()))
    history = replace(
        history,
        lineage=_provenance(state, history, start, report, admission.n_events),
        stream_offsets=history.stream_offsets | before.commands.next_offsets,
    )
    _release(state, past, history, locations, before.newly_erased, as_challenger=as_challenger)
    store.close()
    is_what = "is the challenger" if as_challenger else "is live"
    n_users, n_items = len(state.user_ids), len(state.item_ids)
    say(f"Generation {state.generation} {is_what}: {n_users:,} users, {n_items:,} items")
    return not report.is_below_popularity


def _provenance(
    state: TrainerState, history: History, start: Start, report: FitReport, n_events: int
) -> dict[str, Any]:
    """Return what the generation was made of, for its snapshot."""
    return {
        "data": history.lineage,
        N_EVENTS: n_events,
        "code_version": __version__,
        "learning": state.learning.model_dump(),
        CHANGELOG_SLOT: state.changelog_slot,
        "options": asdict(start.options),
        "metrics": {"gmf": report.gmf, "popularity": report.popularity},
        "warm_from": None if start.warm is None else start.warm.generation,
    }


def _look_for_parts(locations: LocationSettings) -> None:
    """Wait for what the model will be published to: better now than after the training.

    Raises
    ------
    ConfigurationError
        When a part refuses us.
    """
    store, cache = open_trainer_store(locations.store_url), open_cache_publisher(locations.cache_url)
    changelog = open_event_source(locations.vectors_url, [ITEM_VECTORS, USER_VECTORS], LEASE)
    patient = until_told()
    with spinner("Looking for the document store, the cache and the log of vectors"):
        lease = patient(store.acquire, f"{LEASE}-probe", owner_name(), 1.0, time.time())
        if lease is not None:
            patient(store.release, lease)
        patient(cache.publish_popular, {})
        patient(changelog.end_offsets)
    for part in (store, cache, changelog):
        part.close()


def _rules(settings: TrainerSettings, before: Before) -> LearningRules:
    # Every item is learned from the history alone; metadata tells what users chose.
    return LearningRules(settings.weights, settings.value_weight, ContentIndex(), before.categories.labels)


def _fitted(
    state: TrainerState,
    history: History,
    before: Before,
    start: Start,
    store: TrainerStore,
    admission: Admission,
) -> tuple[Events, FitReport]:
    """Return the events that a state learned, and how it went."""
    for item_id in before.deleted_items:
        state.deleted_items.add(item_id)
    state.hidden_items = set(before.categories.hidden)
    events = admission.passing(history.read(before.erased, before.commands))
    if history.is_nothing:
        deque(events, maxlen=0)  # there are none, which is too few where there is a live generation
        return _NO_EVENTS, _NO_REPORT

    def newly_erased(user_ids: Sequence[str]) -> list[str]:
        erased = before.newly_erased([*user_ids, *admission.held_users()])
        admission.forget_users(erased)
        return erased

    attributes_of = partial(until_told(), store.read_attributes)
    start = replace(start, events=events, newly_erased=newly_erased, attributes_of=attributes_of)
    with progress_bar("Training", is_share=True) as show:
        show(0)
        past, report = train_initially(state, start, show)
    return admission.judge(state, past, start, before.categories.table), report


def _release(
    state: TrainerState,
    past: Events,
    history: History,
    locations: LocationSettings,
    newly_erased: NewlyErased,
    *,
    as_challenger: bool,
) -> None:
    store, cache = open_trainer_store(locations.store_url), open_cache_publisher(locations.cache_url)
    changelog = open_event_source(locations.vectors_url, [ITEM_VECTORS, USER_VECTORS], LEASE)
    lease = LeaseKeeper(store, LEASE, owner_name(), _LEASE_DURATION_S, time.time)
    patient = until_told()
    roles = SnapshotRoles(locations.artifacts_dir)
    with spinner("Waiting for another initial training to end"):
        patient(lease.wait, lambda: False, time.sleep)
    locations.artifacts_dir.mkdir(parents=True, exist_ok=True)
    roles.claim(lease.lease)

    def announce(generation: str) -> None:
        roles.announce(generation, lease.lease, as_challenger=as_challenger)

    to = Release(
        store=store,
        cache=cache,
        checkpoints=Checkpoints(locations.artifacts_dir, state.generation),
        lease=lease,
        write_snapshot=partial(write_snapshot, locations.artifacts_dir),
        announce=announce,
        changelog_offsets=patient(changelog.end_offsets),
        stream_offsets=history.stream_offsets,
        provenance=history.lineage,
        created_at=time.time(),
        publishes_users=not as_challenger,
        newly_erased=newly_erased,
    )
    with progress_bar("Publishing users") as show:
        patient(release, state, past, to, show)  # a repeat writes the same again
    lease.release()
    for part in (store, cache, changelog):
        part.close()


def _generation_name(now: float, lineage: dict[str, Any]) -> str:
    """Return a name that sorts by time and differs by what was learned from, and within a second, too."""
    digest = hashlib.sha256(repr((now, sorted(lineage.items()))).encode()).hexdigest()
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{digest[:6]}"


def _say_report(report: FitReport) -> None:
    if not report.epochs:
        return
    for number, epoch in enumerate(report.epochs, start=1):
        kept = "  <- kept" if number == report.best_epoch else ""
        say(f"  epoch {number}: loss {epoch.loss:.3f}, recall@10 {epoch.metrics['recall_at_10']:.3f}{kept}")
    gmf, popularity = report.gmf["recall_at_10"], report.popularity["recall_at_10"]
    n_events = report.gmf["n_events"]
    say(f"Validation on {n_events:,} later events: recall@10 {gmf:.3f}, popularity {popularity:.3f}")
    if not report.is_above_popularity:
        dead = " It has not one right answer." if not gmf and n_events else ""
        say(f"warning: the model ranks no better than popularity does.{dead} More events, or other", "yellow")
        say("STREAMREC_LEARNING_... settings, may mend that; it is released nevertheless.", "yellow")
