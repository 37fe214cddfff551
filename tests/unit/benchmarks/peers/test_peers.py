"""Peers: each learns what there is to learn, and answers as the evaluation wants it."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.quality.peers import implicit_models
from benchmarks.quality.peers.sasrec import SasRec, windows
from benchmarks.quality.peers.slit import Slit
from benchmarks.quality.peers.vmis_knn import VmisKnn
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.prequential import Events, ListRanker, Rows
from streamrec.evaluation.models import MODELS, Model
from streamrec.evaluation.prequential import Evaluation, columns, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from tests.unit.evaluation.test_bad_input import STREAMS, numbers

Made = Callable[[Events], ListRanker]


def of_implicit(name: str) -> Made:
    def made(history: Events) -> ListRanker:
        pytest.importorskip("implicit", reason="pip install -r requirements-lab.txt")
        if name == "als":
            return implicit_models.als(history, seed=1)
        peer: ListRanker = getattr(implicit_models, name)(history)
        return peer

    return made


PEERS: dict[str, Made] = {
    "vmis_knn": VmisKnn,
    "vmis_knn_without_idf": lambda history: VmisKnn(history, with_idf=False),
    "slit": lambda history: Slit(history, refit_every=200),
    "sasrec": lambda history: SasRec(history, seed=1, refit_every=1_000, min_steps=60),
    "cosine": of_implicit("cosine"),
    "bm25": of_implicit("bm25"),
    "als": of_implicit("als"),
}

every_peer = pytest.mark.parametrize("made", PEERS.values(), ids=PEERS)


def tastes(n: int = 1_600) -> list[Interaction]:
    """Sixty people, each of whom mostly chooses out of one of six groups of fifteen items."""
    random = np.random.default_rng(3)
    people = random.integers(0, 60, n)
    groups = np.where(random.random(n) < 0.85, people % 6, random.integers(0, 6, n))
    items = 15 * groups + (15 * random.random(n) ** 1.5).astype(int)
    return [
        Interaction(f"u{person}", f"i{item}", 60.0 * number)
        for number, (person, item) in enumerate(zip(people.tolist(), items.tolist(), strict=True))
    ]


def answered(made: Made, stream: list[Interaction], initial_share: float = 0.5) -> Evaluation:
    models = {
        "peer": Model(lambda history, protocol: made(history), has_chance=False),
        "popularity": MODELS["popularity"],
    }
    return run(stream, models, Protocol(initial_share=initial_share))


def rows(*numbers_of: int) -> Rows:
    return np.array(numbers_of, np.int64)


def events(users: Rows, items: Rows) -> Events:
    return Events(users, items, np.arange(len(users), dtype=np.float64), np.ones(len(users), np.float32))


@every_peer
def test_it_finds_more_than_popularity(made: Made) -> None:
    found = figures(answered(made, tastes()))
    assert found["peer"]["recall_at_10"] > 1.3 * found["popularity"]["recall_at_10"] > 0


@every_peer
def test_it_offers_nobody_what_they_have_and_nothing_twice(made: Made) -> None:
    stream = columns(tastes(600))
    model = made(stream.at(slice(0, 300)))
    n_answers = 0
    for number in range(300, 600):
        user = int(stream.user_rows[number])
        best = model.best(user, 20, float(number))
        past = stream.at(slice(0, number))
        assert not set(best.tolist()) & set(past.item_rows[past.user_rows == user].tolist())
        assert len(set(best.tolist())) == len(best) <= 20
        assert best.max(initial=0) <= past.item_rows.max()
        n_answers += len(best) > 0
        model.learn(stream.at(slice(number, number + 1)))
    assert n_answers > 250


@every_peer
def test_equal_streams_give_equal_answers(made: Made) -> None:
    first, again = (answered(made, tastes(800)).answers["peer"][0].ranks for _ in range(2))
    np.testing.assert_array_equal(first, again)


@every_peer
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("initial_share", [0.0, 0.5])
def test_streams_as_nobody_wants_them_give_figures(
    made: Made, stream: list[Interaction], initial_share: float
) -> None:
    found = list(numbers(figures(answered(made, stream, initial_share))["peer"]))
    assert found
    assert np.isfinite(found).all()


def test_another_seed_is_another_transformer() -> None:
    of_one, of_two = (
        answered(lambda history, seed=seed: SasRec(history, seed, min_steps=20), tastes(400))  # type: ignore[misc]
        for seed in (1, 2)
    )
    assert of_one.answers["peer"][0].ranks.tolist() != of_two.answers["peer"][0].ranks.tolist()


def test_a_refitted_peer_knows_a_new_item_from_the_next_fit_on() -> None:
    users = np.repeat(np.arange(20), 2)
    model = Slit(events(users, np.tile(rows(0, 1), 20)), refit_every=40)
    assert model.best(99, 5, 0.0).tolist() == []
    new = events(np.repeat(np.arange(20, 40), 2), np.tile(rows(0, 2), 20))
    model.learn(new.at(slice(0, 39)))
    model.learn(events(rows(99), rows(0)).at(slice(0, 0)))
    assert 2 not in model.best(39, 5, 0.0)
    model.learn(new.at(slice(39, 40)))
    model.learn(events(rows(50), rows(0)))
    assert set(model.best(50, 5, 0.0).tolist()) == {1, 2}


def test_transitions_have_a_direction() -> None:
    # 0 before 1, and 2 before 0: who chose 0 goes on to 1.
    users = np.repeat(np.arange(30), 3)
    model = Slit(events(users, np.tile(rows(2, 0, 1), 30)))
    model.learn(events(rows(90), rows(0)))
    assert model.best(90, 2, 0.0).tolist() == [1, 2]


def test_neighbours_of_the_newest_item_count_most() -> None:
    # Ten people chose 0 and 1, ten 2 and 3: who chose 0 and then 2 is like the latter now.
    users = np.repeat(np.arange(20), 2)
    items = np.concatenate([np.tile(rows(0, 1), 10), np.tile(rows(2, 3), 10)])
    model = VmisKnn(events(users, items))
    model.learn(events(rows(50, 50), rows(0, 2)))
    assert model.best(50, 2, 0.0).tolist() == [3, 1]
    model.learn(events(rows(51, 51), rows(2, 0)))
    assert model.best(51, 2, 0.0).tolist() == [1, 3]


def test_windows_hold_all_steps_of_a_long_sequence_once() -> None:
    (sequence,) = sequences = [np.arange(120)]
    steps = [
        (int(a), int(b))
        for window in windows(sequences)
        for a, b in zip(window[:-1], window[1:], strict=True)
        if b
    ]
    assert sorted(steps) == [(n + 1, n + 2) for n in sequence[:-1]]
