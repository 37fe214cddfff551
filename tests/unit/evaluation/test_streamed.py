import numpy as np
import torch

from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.streamed import Pace, StreamedGmf
from streamrec.learning.learner import Learner
from streamrec.serving.sources.near_neighbours import TOO_OLD_S
from streamrec.settings.processes import LearningSettings, TrainerSettings


def events_of(pairs: list[tuple[int, int]]) -> Events:
    n = len(pairs)
    users, items = np.array(pairs).T
    return Events(users, items, np.zeros(n), np.ones(n, np.float32))


def learner(n_context: int = 0) -> Learner:
    # Without context: a vector that holds other items' rows is only as fresh as its user's last event.
    trained = Learner(LearningSettings(embedding_dim=4, n_negatives=10, n_context=n_context, least_drift=0.0))
    random = np.random.default_rng(0)
    trained.learn(
        random.integers(0, 5, 28), random.integers(0, 8, 28), np.ones(28, np.float32), np.arange(28.0)
    )
    return trained


def test_the_timetable_is_the_trainers_by_default() -> None:
    pace, settings = Pace(500.0), TrainerSettings()
    assert pace.max_batch == settings.max_batch
    assert pace.item_interval_s == settings.item_publish_interval_s
    assert pace.max_item_vectors == settings.max_item_vectors
    assert pace.max_moved_vectors == settings.max_moved_vectors
    assert pace.max_past_rows == settings.covisitation.max_published_items
    assert pace.past_delay_s == TOO_OLD_S


def test_answers_change_only_once_a_publication_is_visible() -> None:
    pace = Pace(100.0, step_s=0.001, event_s=0.0, user_write_s=0.035, item_interval_s=10.0)
    streamed = StreamedGmf(learner(), pace)
    first = streamed.scores(2, 8)
    streamed.learn(events_of([(2, 3)]))  # published at 0.001 s, visible at 0.036 s
    changed = []
    for _ in range(6):
        changed.append(not np.array_equal(streamed.scores(2, 8), first))  # asked every 1 / 100 s
        streamed.learn(events_of([(4, 1)]))
    assert changed == [False, False, False, True, True, True]


def test_a_new_user_is_answered_from_biases_until_published() -> None:
    streamed = StreamedGmf(learner(), Pace(10.0))
    model = learner().model
    assert np.array_equal(streamed.scores(50, 8), model.items.rows[:8, -1].numpy())
    streamed.learn(events_of([(50, 3)]))
    streamed.learn(events_of([(1, 3)]))
    assert not np.array_equal(streamed.scores(50, 8), streamed.scores(51, 8))


def test_an_item_without_a_published_vector_comes_last() -> None:
    streamed = StreamedGmf(learner(), Pace(1000.0))
    scores = streamed.scores(1, 30)
    assert scores.shape == (30,)
    assert np.isinf(scores[8:]).all()
    assert np.isfinite(scores[:8]).all()


def test_a_slow_stream_ends_with_what_plain_learning_knows() -> None:
    plain, streamed = learner(), StreamedGmf(learner(), Pace(0.1))
    for user, item in ((0, 7), (3, 9), (0, 1), (6, 2), (1, 1)):
        plain.learn(np.array([user]), np.array([item]), np.ones(1, np.float32), np.zeros(1))
        streamed.learn(events_of([(user, item)]))
        streamed.scores(0, 8)
    vectors = plain.model.item_vectors(torch.arange(8)) @ plain.model.user_vectors(torch.tensor([6]))[0]
    np.testing.assert_allclose(streamed.scores(6, 8), vectors.numpy(), rtol=1e-5)


def test_items_beyond_one_publication_wait_for_the_next() -> None:
    streamed = StreamedGmf(learner(), Pace(1.0, max_item_vectors=1, item_interval_s=0.2))
    before = streamed.scores(1, 8).copy()
    streamed.learn(events_of([(2, 3)]))
    streamed.scores(1, 8)
    streamed.learn(events_of([(2, 5)]))
    # A second later five publications of one item each have passed.
    n_changed = int((streamed.scores(1, 8) != before).sum())
    assert 1 <= n_changed <= 6


def test_a_choice_is_in_its_users_answers_at_once_and_in_nobody_elses() -> None:
    never = Pace(100.0, step_s=1e9)
    streamed, model = StreamedGmf(learner(n_context=5), never), learner(n_context=5).model
    before, of_others = streamed.scores(2, 8).copy(), streamed.scores(3, 8).copy()
    streamed.learn(events_of([(2, 3), (2, 6)]))
    after = streamed.scores(2, 8)
    assert not np.allclose(after, before)
    assert np.array_equal(streamed.scores(3, 8), of_others)
    # What the model would say had these two choices been followed, and not been learned.
    model.follow(torch.tensor([2, 2]), torch.tensor([3, 6]), np.zeros(2))
    expected = model.item_vectors(torch.arange(8)) @ model.user_vectors(torch.tensor([2]))[0]
    np.testing.assert_allclose(after, expected.numpy(), rtol=1e-2, atol=1e-3)


def test_a_new_user_has_a_vector_at_the_first_choice() -> None:
    streamed = StreamedGmf(learner(n_context=5), Pace(100.0, step_s=1e9))
    biases = streamed.scores(50, 8).copy()
    streamed.learn(events_of([(50, 3)]))
    assert not np.allclose(streamed.scores(50, 8), biases)


def test_a_choice_that_is_published_is_counted_once() -> None:
    plain, streamed = learner(n_context=5), StreamedGmf(learner(n_context=5), Pace(0.1))
    for user, item in ((0, 7), (3, 2), (0, 1)):
        plain.learn(np.array([user]), np.array([item]), np.ones(1, np.float32), np.zeros(1))
        streamed.learn(events_of([(user, item)]))
        streamed.scores(0, 8)
    vectors = plain.model.item_vectors(torch.arange(8)) @ plain.model.user_vectors(torch.tensor([0]))[0]
    np.testing.assert_allclose(streamed.scores(0, 8), vectors.numpy(), rtol=1e-5)
