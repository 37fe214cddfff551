"""Streams in which people choose the same things again and again."""

from typing import Any

import numpy as np
import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.evaluation.models import Model
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.evaluation.served import ServedModel
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings
from tests.unit.evaluation.test_bad_input import STREAMS

QUICK: dict[str, Any] = {
    "learning": LearningSettings(embedding_dim=8, n_negatives=20),
    "fit": FitOptions(max_epochs=1),
}


def habits(n: int) -> list[Interaction]:
    """Return events of users who mostly choose one of their own six items, of 300."""
    chance = np.random.default_rng(2)
    own = chance.integers(0, 300, size=(25, 6))
    found = []
    for number in range(n):
        user = int(chance.integers(25))
        item = int(own[user, chance.integers(6)]) if chance.random() < 0.9 else int(chance.integers(300))
        found.append(Interaction(f"u{user}", f"i{item}", 60.0 * number))
    return found


def test_what_is_served_finds_what_comes_again_well_above_popularity() -> None:
    protocol = Protocol(**QUICK, with_repeats=True)
    found = figures(run(habits(900), chosen_models(["served", "popularity"]), protocol))
    served, popular = (found[name]["segments"]["repeat_targets"] for name in ("served", "popularity"))
    assert served["n_events"] == popular["n_events"] > 400
    assert served["recall_at_10"] > 0.7
    assert served["recall_at_10"] > 3 * popular["recall_at_10"]
    assert found["served"]["recall_at_10"] > 3 * found["popularity"]["recall_at_10"]


class Noting(ServedModel):
    """Remembers its lists."""

    lists: list[list[int]]

    def best(self, user_row: int, k: int, at: float) -> Rows:
        listed = super().best(user_row, k, at)
        self.lists = [*getattr(self, "lists", []), listed.tolist()]
        return listed


@pytest.mark.parametrize("with_repeats", [False, True])
@pytest.mark.parametrize("name", ["one user", "one item", "all at one time", "out of order by a day"])
def test_served_lists_are_sane_on_streams_that_nobody_wants(name: str, with_repeats: bool) -> None:
    stream, made = STREAMS[name], []

    def fitted(history: Events, protocol: Protocol) -> Noting:
        made.append(Noting(history, protocol))
        return made[0]

    run(stream, {"served": Model(fitted, has_chance=True)}, Protocol(**QUICK, with_repeats=with_repeats))
    n_items = len({event.item_id for event in stream})
    lists = getattr(made[0], "lists", [])
    for listed in lists:
        assert len(listed) <= 20
        assert len(set(listed)) == len(listed)
        assert set(listed) <= set(range(n_items))
    if with_repeats and name != "one item":
        assert len(lists) > 10
        assert all(lists)
