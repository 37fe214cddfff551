"""Work that processes are killed over: learning, a first model, bars, an experiment, an erasure."""

import contextlib
import random
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import current_generation
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, Message
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.wire import encode_event
from tests.crash import outcomes
from tests.crash.killing import Scenario
from tests.crash.logs import NEW, erase, prepare_generations, send, send_all, send_ticks, stream
from tests.crash.places import Places
from tests.e2e import test_attribution_crash as attribution


def _nothing(_places: Places) -> None:
    pass


def _is_read(places: Places, group: str, topics: list[str]) -> bool:
    """Return whether a group has committed all that the log holds."""
    with contextlib.closing(open_event_source(places.events, topics, group)) as source:
        return source.committed() == source.end_offsets()


def _train(_places: Places) -> None:
    from incremental_training import main

    main()


def _is_promoted_and_learned(places: Places) -> bool:
    roles = SnapshotRoles(places.artifacts).read()
    return roles.champion == NEW and roles.under_way is None and _is_learned(places)


def _is_learned(places: Places) -> bool:
    return _is_read(places, "trainer", [COMMANDS, INTERACTIONS])


def _prepare_learning(places: Places) -> None:
    prepare_generations(places)
    send_all(places)


def _outcome_of_learning(places: Places) -> Mapping[str, Any]:
    return {
        **outcomes.of_roles(places),
        **outcomes.of_checkpoint(places, NEW),
        **outcomes.of_files(places, ("store", "cache", "events")),
    }


LEARNING = Scenario(_prepare_learning, _train, _is_promoted_and_learned, _nothing, _outcome_of_learning)
"""A trainer learns a log in whose midst a user is erased, an item deleted and the challenger promoted."""


def _prepare_history(places: Places) -> None:
    lines = [encode_event(event) for event in stream(400)]
    (places.folder / "history.jsonl").write_bytes(b"\n".join(lines))


def _end_leases(places: Places) -> None:
    """Spare a restart the wait for the lease of the one that was killed: half a minute."""
    if (path := places.folder / "store.db").exists():
        with contextlib.closing(sqlite3.connect(path)) as store, store:
            if store.execute("SELECT 1 FROM sqlite_master WHERE name = 'leases'").fetchone():
                store.execute("UPDATE leases SET expires_at = 0")


def _train_initially(places: Places) -> None:
    _end_leases(places)
    from initial_training import main

    main(events=places.folder / "history.jsonl")


def _outcome_of_initial_training(places: Places) -> Mapping[str, Any]:
    generation = current_generation(places.artifacts)
    assert generation is not None
    found = {
        **outcomes.of_snapshot(places, generation),
        **outcomes.of_checkpoint(places, generation),
        **outcomes.of_files(places, ("store", "cache")),
    }
    # Its name tells when it was made.
    found["state/generation"] = "its name"
    found["store/users"] = [
        ["its name" if one == generation else one for one in row] for row in found["store/users"]
    ]
    return found


INITIAL_TRAINING = Scenario(_prepare_history, _train_initially, None, _nothing, _outcome_of_initial_training)
"""A first model is learned, published and made the live one."""


def _keep_bars(_places: Places) -> None:
    from streamrec.cli.training.bars import history

    history()


def _are_bars_kept(places: Places) -> bool:
    return _is_read(places, "history", [COMMANDS, INTERACTIONS])


def _outcome_of_bars(places: Places) -> Mapping[str, Any]:
    found = outcomes.of_files(places, ("cache", "events"))
    assert found["cache/history"]
    return found


BARS = Scenario(send_ticks, _keep_bars, _are_bars_kept, _nothing, _outcome_of_bars)
"""Bars are kept of a log in whose midst a user is erased and an item deleted."""


def _prepare_experiment(places: Places) -> None:
    attribution.define(places.folder)
    sink, chance = open_event_sink(places.events), random.Random(2)
    for number in range(20):
        lists, events = attribution.round_of(number, chance)
        sink.append(IMPRESSIONS, lists)
        sink.append(INTERACTIONS, events)
    last = Exposure("last", "last", time.time(), ["i"], experiments=[("x", 1, "a")])
    sink.append(IMPRESSIONS, [Message("last", encode_exposure(last))])
    sink.close()


def _attribute(_places: Places) -> None:
    from streamrec.cli.training.attribution import attribution

    attribution()


def _is_attributed(places: Places) -> bool:
    return attribution.is_complete(places.folder)


def _outcome_of_experiment(places: Places) -> Mapping[str, Any]:
    found = attribution.results(places.folder)
    assert found is not None
    return {
        "variants": found.variants,
        "counts": (found.users, found.exposures, found.funnel, found.n_multiple_exposed),
    }


EXPERIMENT = Scenario(_prepare_experiment, _attribute, _is_attributed, _nothing, _outcome_of_experiment)
"""Choices are attributed to the lists of an experiment."""


def _erase(places: Places) -> None:
    read_settings(LocationSettings)  # as every process does: it arms the fault
    erase(places, "u7")


def _learn_after_erasure(places: Places) -> None:
    sink = open_event_sink(places.events)
    send(sink, [event for event in stream(60, seed=5)])
    sink.close()
    from tests.crash.killing import run

    ended = run(LEARNING, places)
    assert ended.code == 0, ended.said


def _outcome_of_erasure(places: Places) -> Mapping[str, Any]:
    # A repeat of an erasure that was killed marks a later place in the log, and that one counts: offsets and
    # the rows of users may be others, and with them what is drawn for learning.
    state = outcomes.of_checkpoint(places, NEW)
    found = {name: part for name, part in state.items() if name.startswith("state/counters/")}
    del found["state/counters/n_commands"]
    found |= outcomes.of_files(places, ("store", "cache"))
    found["store/erasures"] = sorted({digest for digest, *_ in found["store/erasures"]})
    for name in ("user_ids", "item_ids"):
        found[name] = sorted(id_ for id_ in state[f"state/{name}"] if id_ is not None)
    return found


ERASURE = Scenario(_prepare_learning, _erase, None, _learn_after_erasure, _outcome_of_erasure)
"""A user is erased, again where it was killed, and then the log is learned."""

SCENARIOS = {
    "learning and a promotion": LEARNING,
    "a first model": INITIAL_TRAINING,
    "bars": BARS,
    "an experiment": EXPERIMENT,
    "an erasure": ERASURE,
}
