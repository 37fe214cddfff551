"""Simulated users of the made-up shop, whose choices are a function of seed, user and list.

Whoever shows them the same lists again, in whatever order of users, sees the same clicks. So what a system
counts after crashes can be held against what it counts without.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lab.configuration.generator_section import GeneratorSection
from lab.experiments.click_model import ClickModel, Floats, attraction_of
from lab.generator.truth import Truth

_MONTH = 0


class Chosen(NamedTuple):
    """Positions of a list that a user clicked, and of these the ones that were bought."""

    clicked: tuple[int, ...]
    bought: tuple[int, ...]


class Population:
    """Users who come some times each, look at lists from the top, and leave at some point.

    Parameters
    ----------
    settings
        Of the shop; all its users come.
    max_visits
        Of a user.
    leaving
        Chance that a user who clicked nothing never comes back.
    """

    def __init__(
        self, settings: GeneratorSection, seed: int, max_visits: int = 6, leaving: float = 0.3
    ) -> None:
        truth = Truth(settings)
        self.user_ids, self.item_ids = truth.user_ids, truth.product_ids
        self._positions = {item_id: number for number, item_id in enumerate(self.item_ids)}
        self._numbers = {user_id: number for number, user_id in enumerate(self.user_ids)}
        affinities = truth.affinities(np.arange(len(self.user_ids)), _MONTH)
        self._attraction = attraction_of(affinities, len(self.item_ids))
        self._model = ClickModel(max_lists=max_visits)
        self._seed, self._leaving = seed, leaving

    def n_visits(self, user_id: str) -> int:
        """Return how often a user comes at most."""
        return int(self._model.lists_shown(1, self._chance("visits", user_id))[0])

    def chosen(self, user_id: str, visit: int, items: Sequence[str]) -> Chosen:
        """Return what a user does before a list; items that the shop does not have attract nobody."""
        chance = self._chance("choice", user_id, str(visit), *items)
        own = self._attraction[self._numbers[user_id]]
        known = [self._positions.get(item_id, -1) for item_id in items]
        attraction = np.array([own[one] if one >= 0 else 0.0 for one in known])
        is_clicked = chance.random(len(items)) < self._model.chances(attraction)
        is_bought = is_clicked & (chance.random(len(items)) < self._model.purchase_chance * attraction)
        return Chosen(tuple(np.flatnonzero(is_clicked).tolist()), tuple(np.flatnonzero(is_bought).tolist()))

    def leaves(self, user_id: str, visit: int, chosen: Chosen) -> bool:
        """Return whether a user never comes back after this visit."""
        return not chosen.clicked and self._chance("leave", user_id, str(visit)).random() < self._leaving

    def lists(self, noise: float, k: int) -> dict[str, list[str]]:
        """Return user -> items by attraction as a model sees it that errs by so much, best first."""
        error = self._chance("lists", f"{noise:g}").normal(0, noise, self._attraction.shape)
        return self._ranked(self._attraction + error, k)

    def popular(self, k: int) -> dict[str, list[str]]:
        """Return user -> the same items for everybody: those that attract most people, best first."""
        mean = self._attraction.mean(axis=0, keepdims=True)
        return self._ranked(np.broadcast_to(mean, self._attraction.shape), k)

    def _ranked(self, scores: Floats, k: int) -> dict[str, list[str]]:
        ranked = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return {
            user_id: [self.item_ids[item] for item in row]
            for user_id, row in zip(self.user_ids, ranked.tolist(), strict=True)
        }

    def _chance(self, *parts: str) -> np.random.Generator:
        digest = hashlib.blake2b("\0".join([str(self._seed), *parts]).encode(), digest_size=16).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))
