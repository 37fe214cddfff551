"""Effect of letting choices stand against items that were shown and not chosen.

Users of the laboratory's made-up shop look at lists from the top and click on what attracts them: by the
truth that they were made by, not by held-out events (`lab.experiments.click_model`). Two measurements:

* in a closed loop the model makes each list, and learns from what came of it;
* lists that another recommender made, and what came of them, are a stream, which is predicted before it is
  learned.

Whether an item attracts a user is drawn at each look, or once for good: then who passed an item over will
never want it. Impressions are of the whole list, or of those positions that the user looked at, as a page
tells that watches what is on screen.
"""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from lab.configuration.generator_section import GeneratorSection
from lab.experiments.click_model import ClickModel, Floats, attraction_of
from lab.generator.truth import Truth
from streamrec.learning.learner import Learner, use_one_thread
from streamrec.settings.processes import LearningSettings

K = 10
N_USERS, N_PRODUCTS, N_VISITS = 1_000, 1_000, 20_000
N_FIRST = 5
"""Choices of each user before the first list."""
_AT_ONCE = 50
"""Visits whose lists are made before any of them is learned."""
_ERROR = 0.3
"""Of attraction, in the lists that another recommender makes."""

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]

WAYS = {"off": 0, "10 shown": 10, "30 shown": 30}
"""Name -> `n_shown_negatives`."""


class Shop(NamedTuple):
    """Users and what they do.

    Attributes
    ----------
    affinities
        (U, P) chances of each product to be what a user chooses.
    attraction
        (U, P) how much each product attracts a user who looks at it, 0 to 1.
    """

    affinities: Floats
    attraction: Floats
    clicks: ClickModel

    @classmethod
    def of(cls, seed: int, *, is_settled: bool) -> "Shop":
        """Draw a shop, of users who have settled what attracts them, or of such as have not."""
        section = GeneratorSection(n_users=N_USERS, n_products=N_PRODUCTS, seed=seed)
        affinities = Truth(section).affinities(np.arange(N_USERS), 0)
        attraction = attraction_of(affinities, N_PRODUCTS)
        if is_settled:
            attraction = (np.random.default_rng(seed).random(attraction.shape) < attraction).astype(
                np.float64
            )
        return cls(affinities, attraction, ClickModel())


class Visit(NamedTuple):
    """One list before a user: (K,) items, which were looked at, and which were clicked."""

    user: int
    items: Rows
    is_looked_at: Marks
    is_clicked: Marks


ListsOf = Callable[[Learner, Rows, Marks], Rows]
"""Makes (B, K) lists for (B,) users out of what they have not chosen, (U, P) marks."""


def visits(
    shop: Shop, learner: Learner, lists_of: ListsOf, seed: int, *, only_looked_at: bool, is_on: bool
) -> Iterator[Visit]:
    """Let users come to lists, and a learner learn what they do; yield each visit before it is learned."""
    random = np.random.default_rng(seed)
    is_chosen = np.zeros(shop.affinities.shape, np.bool_)
    for user, item in first_choices(shop, random):
        is_chosen[user, item] = True
        learn(learner, user, np.array([item]), np.ones(1, np.float32))
    for _ in range(N_VISITS // _AT_ONCE):
        users = random.permutation(N_USERS)[:_AT_ONCE]
        for user, items in zip(users.tolist(), lists_of(learner, users, is_chosen), strict=True):
            visit = visited(shop, user, items, random)
            yield visit
            teach(learner, visit, only_looked_at, is_on=is_on)
            is_chosen[user, items[visit.is_clicked]] = True


def first_choices(shop: Shop, random: np.random.Generator) -> list[tuple[int, int]]:
    """Return pairs of users and items, mixed."""
    drawn = [random.choice(N_PRODUCTS, N_FIRST, replace=False, p=chances) for chances in shop.affinities]
    pairs = [(user, item) for user, items in enumerate(drawn) for item in items.tolist()]
    return [pairs[number] for number in random.permutation(len(pairs))]


def scores_of(learner: Learner, users: Rows) -> NDArray[np.float32]:
    """Return (B, P) logits."""
    model = learner.model
    model.grow_to(N_USERS, N_PRODUCTS)
    scores = model.user_vectors(torch.from_numpy(users)) @ model.item_vectors(torch.arange(N_PRODUCTS)).T
    found: NDArray[np.float32] = scores.numpy()
    return found


def lists(learner: Learner, users: Rows, is_chosen: Marks) -> Rows:
    """Return the (B, K) products that a model ranks best of those a user has not chosen."""
    return best(scores_of(learner, users), is_chosen[users])


def best(scores: NDArray[np.floating], is_left_out: Marks) -> Rows:
    """Return the (B, K) columns of the highest of (B, P) scores."""
    return np.argsort(np.where(is_left_out, np.inf, -scores), axis=1, kind="stable")[:, :K]


def visited(shop: Shop, user: int, items: Rows, random: np.random.Generator) -> Visit:
    """Return what a user does before a list."""
    attraction = shop.attraction[user, items]
    looked_at = shop.clicks.chances(np.ones(K))  # what everybody is attracted by is clicked where it is seen
    is_looked_at = random.random(K) < looked_at
    is_attracted = random.random(K) < shop.clicks.chances(attraction) / looked_at
    return Visit(user, items, is_looked_at, is_looked_at & is_attracted)


def teach(learner: Learner, visit: Visit, only_looked_at: bool, *, is_on: bool) -> None:
    """Let a learner learn from a visit: impressions first, then the clicks."""
    shown = visit.items[visit.is_looked_at] if only_looked_at else visit.items
    shown, clicked = shown if is_on else shown[:0], visit.items[visit.is_clicked]
    items = np.concatenate([shown, clicked])
    if len(items):
        weights = np.repeat(np.array([-1, 1], np.float32), [len(shown), len(clicked)])
        learn(learner, visit.user, items, weights)


def learn(learner: Learner, user: int, items: Rows, weights: NDArray[np.float32]) -> None:
    """Let a learner learn what one user did at one moment."""
    learner.learn(np.full(len(items), user), items, weights, np.zeros(len(items)))


class Case(NamedTuple):
    """One of the worlds that are compared."""

    seed: int
    is_settled: bool
    only_looked_at: bool


def closed_loop(case: Case, n_shown: int) -> dict[str, float]:
    """Let a model make all lists; return what came of them.

    Returns
    -------
    figures
        ``clicks`` a list that were expected by the truth, over all lists; ``late_clicks`` over the second
        half of them.
    """
    shop, learner = Shop.of(case.seed, is_settled=case.is_settled), learner_of(case, n_shown)
    seen = visits(shop, learner, lists, case.seed, only_looked_at=case.only_looked_at, is_on=n_shown > 0)
    expected = np.array([shop.clicks.chances(shop.attraction[one.user, one.items]).sum() for one in seen])
    return {"clicks": expected.mean(), "late_clicks": expected[len(expected) // 2 :].mean()}


def stream(case: Case, n_shown: int) -> dict[str, float]:
    """Let another recommender make all lists; return how well a model predicts what comes of each.

    Returns
    -------
    figures
        ``recall_at_10`` of clicked products among all that the user has not chosen; ``in_order``: of the
        pairs of a clicked product and one that was looked at in the same list and not clicked, the share in
        which the model ranks the clicked one higher.
    """
    shop, learner = Shop.of(case.seed, is_settled=case.is_settled), learner_of(case, n_shown)
    error = np.random.default_rng(case.seed + 1).normal(0, _ERROR, shop.attraction.shape)
    by_another = attraction_of(shop.affinities, N_PRODUCTS) + error
    is_known = np.zeros(shop.affinities.shape, np.bool_)
    for user, item in first_choices(shop, np.random.default_rng(case.seed)):
        is_known[user, item] = True

    def lists_of(_learner: Learner, users: Rows, is_chosen: Marks) -> Rows:
        return best(by_another[users], is_chosen[users])

    hits, orders = [], []
    for visit in visits(
        shop, learner, lists_of, case.seed, only_looked_at=case.only_looked_at, is_on=n_shown > 0
    ):
        scores = np.where(is_known[visit.user], -np.inf, scores_of(learner, np.array([visit.user]))[0])
        clicked = scores[visit.items[visit.is_clicked]]
        passed = scores[visit.items[visit.is_looked_at & ~visit.is_clicked]]
        hits += [(scores > score).sum() < K for score in clicked]
        orders += (clicked[:, None] > passed[None, :]).ravel().tolist()
        is_known[visit.user, visit.items[visit.is_clicked]] = True
    return {"recall_at_10": np.mean(hits), "in_order": np.mean(orders)}


def learner_of(case: Case, n_shown: int) -> Learner:
    """Return a learner that has learned nothing."""
    return Learner(LearningSettings(seed=case.seed, n_shown_negatives=n_shown))


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    seeds: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Measure both, with and without impressions."""
    use_one_thread()
    runs: list[dict[str, object]] = []
    for is_settled, seed in product((False, True), range(1, 1 + seeds)):
        for (name, n_shown), only_looked_at in product(WAYS.items(), (False, True)):
            if not n_shown and only_looked_at:
                continue
            case = Case(seed, is_settled, only_looked_at)
            figures = {
                key: float(value)
                for key, value in (closed_loop(case, n_shown) | stream(case, n_shown)).items()
            }
            runs.append({**case._asdict(), "way": name, **figures})
            print(
                *(f"{value:.4f}" if isinstance(value, float) else value for value in runs[-1].values()),
                flush=True,
            )
    results_file.write(json, {"n_visits": N_VISITS, "runs": runs})


if __name__ == "__main__":
    typer.run(main)
