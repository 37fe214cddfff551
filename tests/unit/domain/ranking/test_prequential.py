import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.metrics import MISS
from streamrec.domain.ranking.prequential import (
    Events,
    ListRanker,
    Questioning,
    Rows,
    predict_then_learn,
    prequential_ranks,
)


class Counting:
    """Counts items, and notes how it was asked."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.asked: list[tuple[int, int]] = []
        self.n_learned = 0

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
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
    for index, (user, item) in enumerate(
        zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True)
    ):
        if index >= start and user in seen and item not in seen[user]:
            scores = model.scores(user, n_items)
            others = [row for row in range(n_items) if row not in seen[user] and row != item]
            expected.append(sum(scores[row] >= scores[item] for row in others) if item < n_items else MISS)
        model.learn(events.at(slice(index, index + 1)))
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


class LastChosen:
    """Answers with what anybody chose last, as a server would: without the user's own."""

    def __init__(self) -> None:
        self.own: dict[int, set[int]] = {}
        self.newest_first: list[int] = []

    def best(self, user_row: int, k: int, at: float) -> Rows:
        own = self.own.get(user_row, set())
        return np.array([row for row in self.newest_first if row not in own][:k], np.int64)

    def learn(self, events: Events) -> None:
        for user, item in zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True):
            self.own.setdefault(user, set()).add(item)
            self.newest_first = [item, *(row for row in self.newest_first if row != item)]


def test_ranks_in_lists_are_those_of_the_plain_loop() -> None:
    events, model, expected = stream(), LastChosen(), []
    for index, (user, item) in enumerate(
        zip(events.user_rows.tolist(), events.item_rows.tolist(), strict=True)
    ):
        if model.own.get(user) and item not in model.own[user]:
            listed = model.best(user, 10, 0.0).tolist()
            expected.append(listed.index(item) if item in listed else MISS)
        model.learn(events.at(slice(index, index + 1)))
    again, found = LastChosen(), []
    for asked, batch in predict_then_learn(events, 0):
        found += [
            question.rank_in(again.best(question.user_row, 10, question.timestamp)) for question in asked
        ]
        again.learn(batch)
    assert found == expected
    assert MISS in found
    assert len([rank for rank in found if rank < 10]) > 20


def test_a_model_is_told_from_one_with_scores() -> None:
    assert isinstance(LastChosen(), ListRanker)
    assert not isinstance(Counting(), ListRanker)


def test_with_repeats_every_event_of_a_known_user_is_a_question_and_nothing_is_excluded() -> None:
    events = stream()
    asked = [
        q for questions, _ in predict_then_learn(events, 0, Questioning(with_repeats=True)) for q in questions
    ]
    users = events.user_rows.tolist()
    assert [question.position for question in asked] == [n for n in range(400) if users[n] in users[:n]]
    assert all(len(question.excluded) == 0 for question in asked)
    without = [q.position for questions, _ in predict_then_learn(events, 0) for q in questions]
    assert set(without) < {question.position for question in asked}
