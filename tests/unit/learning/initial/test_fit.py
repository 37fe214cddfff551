from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.descent import LearnOutcome
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.initial.fit import FitOptions, fit_initial
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings

SETTINGS = LearningSettings(embedding_dim=8, n_negatives=30)


def tastes(n: int = 3000, n_groups: int = 4, seed: int = 0) -> Events:
    """Users and items in groups; a user chooses within the own group, so counting can't tell what."""
    random = np.random.default_rng(seed)
    users = random.integers(0, 40, n)
    items = random.integers(0, 60, n) * n_groups + users % n_groups
    _, rows = np.unique(items, return_inverse=True)
    first_seen = np.argsort(np.argsort([np.argmax(rows == row) for row in range(rows.max() + 1)]))
    return Events(users, first_seen[rows], np.arange(n, dtype=np.float64), np.ones(n, np.float32))


class NotingLearner(Learner):
    """Notes the items that it refits."""

    def __init__(self, settings: LearningSettings) -> None:
        super().__init__(settings)
        self.refitted: set[int] = set()

    def refit(
        self,
        user_rows: NDArray[np.int64],
        item_rows: NDArray[np.int64],
        weights: NDArray[np.float32],
        times: NDArray[np.float64],
        output_rate: float = 0.0,
    ) -> LearnOutcome:
        self.refitted |= set(item_rows.tolist())
        return super().refit(user_rows, item_rows, weights, times, output_rate)


def test_tastes_are_found_and_beat_popularity() -> None:
    report = fit_initial(Learner(SETTINGS), tastes(), FitOptions(max_epochs=3))
    assert report.gmf["recall_at_10"] > 1.5 * report.popularity["recall_at_10"]
    assert report.gmf["n_events"] == report.popularity["n_events"] > 50
    assert not report.is_below_popularity
    assert report.epochs[-1].loss < report.epochs[0].loss


def test_the_best_epoch_is_kept_and_patience_ends_the_search() -> None:
    options = FitOptions(max_epochs=10, patience=2)
    report = fit_initial(Learner(SETTINGS), tastes(), options)
    recalls = [epoch.metrics["recall_at_10"] for epoch in report.epochs]
    assert report.gmf["recall_at_10"] == max(recalls) == recalls[report.best_epoch - 1]
    assert len(recalls) in (report.best_epoch + 2, 10)


def test_the_weights_left_are_those_of_the_best_epoch_and_the_validation_learned() -> None:
    searched, straight = Learner(SETTINGS), Learner(SETTINGS)
    report = fit_initial(searched, tastes(), FitOptions(max_epochs=8))
    assert report.best_epoch < len(report.epochs)
    fit_initial(straight, tastes(), FitOptions(max_epochs=report.best_epoch, patience=99))
    for name, tensor in searched.state_tensors().items():
        assert torch.equal(tensor, straight.state_tensors()[name]), name


def test_everything_is_remembered_afterwards() -> None:
    learner, events = Learner(SETTINGS), tastes()
    fit_initial(learner, events, FitOptions(max_epochs=1))
    for user in (0, 17):
        own = events.item_rows[events.user_rows == user]
        assert learner.recent_items(np.array([user]), 50)[0].tolist() == own[-50:].tolist()
        assert learner.known_among(user, own).all()


def test_the_output_layer_is_trained_when_asked() -> None:
    frozen, trained = Learner(SETTINGS), Learner(SETTINGS)
    fit_initial(frozen, tastes(), FitOptions(max_epochs=1, output_rate=0.0))
    fit_initial(trained, tastes(), FitOptions(max_epochs=1, output_rate=1e-3))
    assert torch.equal(frozen.model.output, torch.ones(8))
    assert not torch.equal(trained.model.output, torch.ones(8))


def test_a_model_that_learns_nothing_is_said_to_be_below_popularity() -> None:
    random = np.random.default_rng(0)
    n = 3000
    popular = (60 * random.random(n) ** 6).astype(np.int64)
    times, weights = np.arange(n, dtype=np.float64), np.ones(n, np.float32)
    events = Events(random.integers(0, 500, n), popular, times, weights)
    rates = ("user_rate", "item_rate", "bias_rate", "past_rate")
    lazy = SETTINGS.model_copy(update=dict.fromkeys(rates, 1e-9))
    assert fit_initial(Learner(lazy), events, FitOptions(max_epochs=1)).is_below_popularity


@pytest.mark.parametrize(
    ("options", "n_touched"),
    [
        (FitOptions(n_top_items_left_out=1), 3),
        (FitOptions(max_events_of_user=1), 2),
        (FitOptions(max_item_share=0.25), 4),
        (FitOptions(), 4),
    ],
)
def test_what_is_left_out_of_training_gives_no_step(options: FitOptions, n_touched: int) -> None:
    users = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    items = np.array([0, 1, 2, 3, 0, 0, 0, 0])
    events = Events(users, items, np.arange(8.0), np.ones(8, np.float32))
    learner = NotingLearner(LearningSettings(embedding_dim=4))
    fit_initial(learner, events, replace(options, validation_share=0.0, max_epochs=1))
    assert len(learner.refitted) == n_touched


def test_a_few_events_are_enough_not_to_fail() -> None:
    for n in (0, 1, 2):
        events = tastes().at(slice(0, n))
        report = fit_initial(Learner(SETTINGS), events, FitOptions(max_epochs=2))
        assert report.gmf["n_events"] == 0


def test_progress_goes_from_nothing_to_all_and_ends_with_the_training() -> None:
    for options in (FitOptions(max_epochs=3, patience=9), FitOptions(max_epochs=50, patience=1)):
        told: list[tuple[int, int]] = []
        fit_initial(Learner(SETTINGS), tastes(600), options, lambda *done: told.append(done))  # noqa: B023
        done, in_all = zip(*told, strict=True)
        assert done[0] == 0
        assert list(done) == sorted(done)
        assert done[-1] == in_all[-1]
        assert len(set(in_all)) == 1
