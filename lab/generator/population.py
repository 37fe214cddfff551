"""Users of the shop, as arrays, and what the one change of the laws does to users and products."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import Products
from lab.generator.laws import power_law
from lab.generator.seeds import DRIFT, POPULATION, generator_for


@dataclass(frozen=True, eq=False)
class Population:
    """U users.

    Attributes
    ----------
    preferred
        (U,) int64 group (subcategory) that a user prefers; its category is the primary one.
    activity
        (U,) float64 relative numbers of sessions per day.
    arrivals
        (U,) float64 when each comes, as a share of the whole time.
    """

    preferred: NDArray[np.int64]
    activity: NDArray[np.float64]
    arrivals: NDArray[np.float64]


def group_weights(settings: GeneratorSection) -> NDArray[np.float64]:
    """Return (C * S,) shares of users that prefer each group."""
    categories = power_law(settings.n_categories, settings.category_exponent)
    subcategories = power_law(settings.n_subcategories, settings.category_exponent)
    shares: NDArray[np.float64] = np.outer(categories, subcategories).ravel()
    return shares


def draw_population(settings: GeneratorSection) -> Population:
    """Return the users that settings make."""
    random = generator_for(settings.seed, POPULATION)
    n = settings.n_users
    weights = group_weights(settings)
    is_late = random.random(n) < settings.late_users
    return Population(
        preferred=random.choice(len(weights), size=n, p=weights),
        activity=power_law(n, settings.activity_exponent)[random.permutation(n)],
        arrivals=np.where(is_late, random.random(n), 0.0),
    )


def drifted_population(population: Population, settings: GeneratorSection) -> Population:
    """Return the users after the change: a share of them prefers a group of another category."""
    if settings.drift.kind != "preference" or settings.n_categories == 1:
        return population
    random = generator_for(settings.seed, DRIFT)
    n_sub, weights = settings.n_subcategories, group_weights(settings)
    is_affected = random.random(len(population.preferred)) < settings.drift.share
    changed = population.preferred.copy()
    for category in range(settings.n_categories):
        of_category = np.flatnonzero(is_affected & (population.preferred // n_sub == category))
        others = np.where(np.arange(len(weights)) // n_sub == category, 0, weights)
        changed[of_category] = random.choice(len(weights), size=len(of_category), p=others / others.sum())
    return replace(population, preferred=changed)


def drifted_products(products: Products, settings: GeneratorSection) -> Products:
    """Return the products after the change: a share of them has ranks of one another, within their groups."""
    if settings.drift.kind != "popularity":
        return products
    random = generator_for(settings.seed, DRIFT)
    is_affected = random.random(len(products.ranks)) < settings.drift.share
    ranks = products.ranks.copy()
    for group in range(settings.n_categories * settings.n_subcategories):
        members = np.flatnonzero(is_affected & (products.groups == group))
        ranks[members] = ranks[random.permutation(members)]
    return replace(products, ranks=ranks)
