"""Attributes of users on a stream with planted cohorts: the first lists are clearly better with them."""

import numpy as np

from benchmarks.quality.cohorts import hits
from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.served import ServedModel

N_USERS, N_OF_EACH, N_ITEMS, N_GROUPS = 240, 4, 40, 3


def planted() -> Events:
    """Return events of people who come one after the other, and mostly choose items of their group."""
    chance = np.random.default_rng(4)
    users = np.repeat(np.arange(N_USERS), N_OF_EACH)
    of_own = (N_ITEMS * chance.random(len(users)) ** 3).astype(np.int64)
    groups = np.where(
        chance.random(len(users)) < 0.9, users % N_GROUPS, chance.integers(N_GROUPS, size=len(users))
    )
    return Events(
        users,
        groups * N_ITEMS + of_own,
        10.0 * np.arange(len(users), dtype=np.float64),
        np.ones(len(users), np.float32),
    )


def test_first_lists_are_clearly_better_with_attributes() -> None:
    events, start = planted(), N_USERS * N_OF_EACH // 4
    people = {
        str(user): {"group": f"group {user % N_GROUPS}", "lucky number": str(7 * user)}
        for user in range(N_USERS)
    }
    recalls = {}
    for name, users in (("without", {}), ("with", people)):
        model = ServedModel(events.at(slice(0, start)), Protocol(users=users))
        recalls[name] = float(np.mean(hits(model, events, start)["first"]))
    assert recalls["with"] > recalls["without"] + 0.05, recalls
