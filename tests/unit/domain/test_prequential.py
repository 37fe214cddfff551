import numpy as np
from numpy.typing import NDArray

from streamrec.domain.prequential import Events, prequential_ranks
from streamrec.domain.ranking_metrics import MISS


class Counting:
    """Counts items, and notes how it was asked."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.asked: list[tuple[int, int]] = []
        self.n_learned = 0

    def scores(self, user_row: int, n_items: int) -> NDArray[np.floating]:
        self.asked.append((user_row, self.n_learned))
        return np.array([self.counts.get(row, 0) for row in range(n_items)], np.float64)

    def learn(self, events: Events) -> None:
        for row in events.item_rows.tolist():
            self.counts[row] = self.counts.get(row, 0) + 1
            self.n_learned += 1


def stream(n: int = 400) -> Events:
    random = np.random.default_rng(3)
    items = (30 * random.random(n) ** 2).astype(np.int64)
    rows = {item: row for row, item in enumerate(dict.fromkeys(items.tolist()))}
    return Events(
        random.integers(0, 25, n),
        np.array([rows[item] for item in items.tolist()]),
        np.arange(n, dtype=np.float64),
        np.ones(n, np.float32),
    )


def test_ranks_are_those_of_the_plain_loop() -> None:
    events, start = stream(), 40
    model, expected = Counting(), []
    seen: dict[int, set[int]] = {}
    n_items = 0
    for place, (user, item) in enumerate(
        zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True)
    ):
        if place >= start and user in seen and item not in seen[user]:
            scores = model.scores(user, n_items)
            others = [row for row in range(n_items) if row not in seen[user] and row != item]
            expected.append(sum(scores[row] >= scores[item] for row in others) if item < n_items else MISS)
        model.learn(events.at(slice(place, place + 1)))
        seen.setdefault(user, set()).add(item)
        n_items = max(n_items, item + 1)
    again = Counting()
    again.learn(events.at(slice(0, start)))
    found = prequential_ranks({"counting": again}, events, start)["counting"]
    assert found.tolist() == expected
    assert len(expected) > 50


def test_every_prediction_comes_before_its_event_is_learned() -> None:
    model, events = Counting(), stream()
    prequential_ranks({"counting": model}, events, 0)
    assert all(int(events.user_rows[n_learned]) == user for user, n_learned in model.asked)


def test_a_stride_asks_less_and_learns_all() -> None:
    model, every = Counting(), Counting()
    told: list[int] = []
    thinned = prequential_ranks({"m": model}, stream(), 0, stride=7, on_progress=told.append)["m"]
    full = prequential_ranks({"m": every}, stream(), 0)["m"]
    assert model.n_learned == every.n_learned == sum(told) == 400
    assert all(n_learned % 7 == 0 for _, n_learned in model.asked)
    assert set(thinned.tolist()) <= set(full.tolist())
    assert 0 < len(thinned) < len(full) / 4


def test_a_batch_is_predicted_before_any_of_it_is_learned() -> None:
    model = Counting()
    prequential_ranks({"m": model}, stream(), 100, batch_size=30)
    assert all(n_learned % 30 == 0 for _, n_learned in model.asked)


def test_models_are_asked_the_same() -> None:
    one, other = Counting(), Counting()
    ranks = prequential_ranks({"one": one, "other": other}, stream(), 10)
    assert one.asked == other.asked
    assert ranks["one"].tolist() == ranks["other"].tolist()
