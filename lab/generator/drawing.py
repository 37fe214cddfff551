"""Drawing of the events of one slice of time: sessions, their choices, and the stages of each choice."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import (
    EDITORIAL_STAGES,
    PRODUCT_STAGES,
    GeneratorSection,
)
from lab.generator import laws
from lab.generator.catalog import Products
from lab.generator.choice_tables import MonthTables
from lab.generator.population import Population
from lab.generator.seeds import SLICES, generator_for
from lab.generator.shop import Shop
from lab.generator.slices import Slice, span_of, user_weights

EVENT_TYPES = ("impression", "click", "cart", "purchase", "read")
_CLICK, _READ = EVENT_TYPES.index("click"), EVENT_TYPES.index("read")
_PRICED = (EVENT_TYPES.index("cart"), EVENT_TYPES.index("purchase"))
_PRODUCT_TYPES = np.array([EVENT_TYPES.index(stage) for stage in PRODUCT_STAGES])
_EDITORIAL_TYPES = np.array([EVENT_TYPES.index(stage) for stage in EDITORIAL_STAGES])
_SECONDS_SPREAD = 0.8
"""Standard deviation of the logarithm of seconds viewed or read."""
_SECONDS = {_CLICK: 30.0, _READ: 120.0}
"""Middle of the seconds, by type."""


class Choices(NamedTuple):
    """C choices of one slice, session by session.

    Attributes
    ----------
    users, sessions
        (C,) int64; sessions are counted from 0 in the slice.
    is_product
        (C,) bool.
    items
        (C,) int64 product, or editorial item.
    n_stages
        (C,) int64 how far the choice went: number of its events.
    """

    users: NDArray[np.int64]
    sessions: NDArray[np.int64]
    is_product: NDArray[np.bool_]
    items: NDArray[np.int64]
    n_stages: NDArray[np.int64]


class Events(NamedTuple):
    """N events, (N,) each; `items` counts products first, then editorial items.

    Attributes
    ----------
    types
        Positions in `EVENT_TYPES`.
    values
        Seconds of clicks and reads, prices of carts and purchases, else NaN.
    """

    users: NDArray[np.int64]
    items: NDArray[np.int64]
    timestamps: NDArray[np.float64]
    types: NDArray[np.int64]
    values: NDArray[np.float64]
    sessions: NDArray[np.int64]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Events":
        """Return some of them."""
        return Events._make(column[index] for column in self)


def draw_slice(shop: Shop, number: int, slice_: Slice) -> Events:
    """Return the events of sessions that begin in a slice, session by session; some happen after its end.

    The last session is cut where the number of events is reached.
    """
    random = generator_for(shop.settings.seed, SLICES, number)
    population = shop.population_in(slice_)
    choices = _draw_choices(shop, slice_, population, random)
    starts = _session_starts(shop.settings, slice_, population, choices, random)
    return _events_of(shop, choices, starts, slice_.n_events, random)


def session_lengths(settings: GeneratorSection, n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) numbers of choices of sessions."""
    chances = laws.power_law(settings.session_max_choices, settings.session_exponent)
    return np.cumsum(chances).searchsorted(random.random(n) * (1 - 1e-12), side="right") + 1


def _draw_choices(shop: Shop, slice_: Slice, population: Population, random: np.random.Generator) -> Choices:
    settings, tables = shop.settings, shop.tables_in(slice_)
    product_chances = laws.stage_chances([settings.product_funnel[stage] for stage in PRODUCT_STAGES])
    editorial_chances = laws.stage_chances([settings.editorial_funnel[stage] for stage in EDITORIAL_STAGES])
    lengths = _enough_sessions(settings, slice_.n_events, random)
    weights = user_weights(population, settings, slice_.begin, slice_.end, tables.traffic)
    sums = np.cumsum(weights)
    session_users = sums.searchsorted(random.random(len(lengths)) * sums[-1], side="right")
    sessions = np.repeat(np.arange(len(lengths)), lengths)
    users = session_users[sessions]
    is_product = random.random(len(users)) < _product_choices(settings)
    items = np.empty(len(users), np.int64)
    preferred = population.preferred[users]
    items[is_product] = _draw_products(tables, preferred[is_product], random)
    items[~is_product] = _draw_editorial(settings, tables, preferred[~is_product], random)
    n_stages = np.where(
        is_product,
        _stages_reached(product_chances, len(users), random),
        _stages_reached(editorial_chances, len(users), random),
    )
    return Choices(users, sessions, is_product, items, n_stages)


def _product_choices(settings: GeneratorSection) -> float:
    return laws.product_choices(
        settings.product_share,
        [settings.product_funnel[stage] for stage in PRODUCT_STAGES],
        [settings.editorial_funnel[stage] for stage in EDITORIAL_STAGES],
    )


def _enough_sessions(
    settings: GeneratorSection, n_events: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return lengths of sessions whose choices are at least as many as events are wanted.

    Each choice has at least one event. More sessions than are needed are drawn and left over.
    """
    lengths = session_lengths(settings, n_events, random)
    needed = int(np.cumsum(lengths).searchsorted(n_events)) + 1
    return lengths[:needed]


def _draw_products(
    tables: MonthTables, preferred: NDArray[np.int64], random: np.random.Generator
) -> NDArray[np.int64]:
    groups = tables.groups.draw(preferred, random.random(len(preferred)))
    return tables.products.draw(groups, random.random(len(preferred)))


def _draw_editorial(
    settings: GeneratorSection,
    tables: MonthTables,
    preferred: NDArray[np.int64],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Return items about the primary category as often as products are of it, where there are both kinds."""
    rows = 2 * (preferred // settings.n_subcategories)
    is_about = (random.random(len(rows)) < settings.primary_affinity).astype(np.int64)
    is_about = np.where(tables.editorial.has_members[rows + is_about], is_about, 1 - is_about)
    return tables.editorial.draw(rows + is_about, random.random(len(rows)))


def _stages_reached(chances: NDArray[np.float64], n: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return (n,) how many stages choices go through: each follows the one before by its chance."""
    reached = np.cumprod(chances)  # chance to get at least so far
    stages: NDArray[np.int64] = (random.random(n)[:, None] < reached).sum(axis=1)
    return stages


def _session_starts(
    settings: GeneratorSection,
    slice_: Slice,
    population: Population,
    choices: Choices,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the start of each session, even over the slice, or what is left of it when the user comes."""
    firsts = np.flatnonzero(np.diff(choices.sessions, prepend=-1))
    span = span_of(settings)
    arrivals = span.begin + population.arrivals[choices.users[firsts]] * (span.end - span.begin)
    begins = np.maximum(arrivals, slice_.begin)
    starts: NDArray[np.float64] = begins + random.random(len(firsts)) * (slice_.end - begins)
    return starts


def _events_of(
    shop: Shop, choices: Choices, starts: NDArray[np.float64], n_events: int, random: np.random.Generator
) -> Events:
    settings, catalog = shop.settings, shop.catalog
    firsts = np.cumsum(choices.n_stages) - choices.n_stages
    n_choices = int(firsts.searchsorted(n_events))
    choices = Choices._make(column[:n_choices] for column in choices)
    of = np.repeat(np.arange(n_choices), choices.n_stages)[:n_events]
    stages = np.arange(n_events) - firsts[of]
    is_product, items = choices.is_product[of], choices.items[of]
    types = np.where(is_product, _PRODUCT_TYPES[stages], _EDITORIAL_TYPES[np.minimum(stages, 1)])
    sessions = choices.sessions[of]
    n_products = len(catalog.products.groups)
    return Events(
        users=choices.users[of],
        items=np.where(is_product, items, n_products + items),
        timestamps=_timestamps(settings, sessions, stages, starts, random),
        types=types,
        values=_values(types, np.where(is_product, items, 0), catalog.products, random),
        sessions=sessions,
    )


def _timestamps(
    settings: GeneratorSection,
    sessions: NDArray[np.int64],
    stages: NDArray[np.int64],
    starts: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    means = np.where(stages > 0, laws.stage_gap_s(settings.choice_gap_s), settings.choice_gap_s)
    gaps = random.exponential(means)
    is_first = np.diff(sessions, prepend=-1) > 0
    gaps[is_first] = 0
    passed = np.cumsum(gaps)
    since_start = passed - passed[np.flatnonzero(is_first)][sessions]
    return (starts[sessions] + since_start).round(3)


def _values(
    types: NDArray[np.int64],
    products: NDArray[np.int64],
    catalog: Products,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    values = np.full(len(types), np.nan)
    spread = np.exp(random.normal(0, _SECONDS_SPREAD, len(types)))
    for type_, middle in _SECONDS.items():
        values[types == type_] = (middle * spread[types == type_]).round(1)
    is_priced = np.isin(types, _PRICED)
    values[is_priced] = catalog.prices[products[is_priced]]
    return values
