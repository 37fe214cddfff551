"""Statistical tests of the shop's laws, each the p-value of the data under the law of the settings."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lab.generator import laws
from lab.generator.catalog import category_name, draw_catalog
from lab.generator.slices import span_of
from tests.unit.lab.generator.shop_world import ShopWorld

Floats = NDArray[np.float64]


def exponent_of_products(world: ShopWorld) -> float:
    """Exponent of popularity within a subcategory, by maximum likelihood of what was chosen there."""
    fitted, error = fit_products(world)
    return _p_of((fitted[0] - world.settings.product_exponent) / error[0])


def peaks_of_products(world: ShopWorld) -> float:
    """Decay away from the peak month, from the same fit."""
    fitted, error = fit_products(world)
    return _p_of((fitted[1] - world.settings.peak_decay) / error[1])


def exponent_of_editorial(world: ShopWorld) -> float:
    """Exponent of editorial items' popularity, among those about the primary category or among the others."""
    fitted, error = fit_editorial(world)
    return _p_of((fitted[0] - world.settings.editorial_exponent) / error[0])


def primary_affinity(world: ShopWorld) -> float:
    """Choices that fall into the user's primary category."""
    category = world.groups // world.settings.n_subcategories
    is_own = (category == world.primary[world.event_users])[world.product_choices]
    return _share(int(is_own.sum()), len(is_own), world.settings.primary_affinity)


def preferred_affinity(world: ShopWorld) -> float:
    """Choices of the primary category that fall into the preferred subcategory."""
    users = world.event_users
    is_own_category = world.groups // world.settings.n_subcategories == world.primary[users]
    of = world.product_choices & is_own_category
    is_own = (world.groups == world.preferred[users])[of]
    return _share(int(is_own.sum()), len(is_own), world.settings.preferred_affinity)


def editorial_affinity(world: ShopWorld) -> float:
    """Choices of editorial items that are about the primary category."""
    topics = editorial_topics(world)
    of = world.editorial_choices
    n_products = world.settings.n_products
    is_about = topics[world.event_items[of] - n_products, world.primary[world.event_users[of]]]
    return _share(int(is_about.sum()), len(is_about), world.settings.primary_affinity)


def other_categories(world: ShopWorld) -> float:
    """Category of choices outside the primary one: by weight, and by the season of the month."""
    settings = world.settings
    category = world.groups // settings.n_subcategories
    primary = world.primary[world.event_users]
    of = world.product_choices & (category != primary)
    observed = np.zeros((12, settings.n_categories, settings.n_categories))
    np.add.at(observed, (world.months[of], primary[of], category[of]), 1)
    weights = laws.power_law(settings.n_categories, settings.category_exponent)
    expected = np.zeros_like(observed)
    for month in range(12):
        by_weight = weights * laws.season(month, season_peaks(world), settings.season_strength)
        table = np.tile(by_weight, (settings.n_categories, 1))
        np.fill_diagonal(table, 0)
        expected[month] = table / table.sum(axis=1, keepdims=True)
    expected *= observed.sum(axis=2, keepdims=True)
    return _chi_square(observed.sum(axis=1).ravel(), expected.sum(axis=1).ravel(), 12)


def seasons_of_sessions(world: ShopWorld) -> float:
    """Sessions of each month by the user's primary category."""
    settings, firsts = world.settings, session_firsts(world)
    is_early = _is_early(world)
    of = firsts[is_early[world.event_users[firsts]]]
    observed = np.zeros((12, settings.n_categories))
    np.add.at(observed, (world.months[of], world.primary[world.event_users[of]]), 1)
    activity = np.array(world.users["activity"], np.float64)
    of_early = np.bincount(world.primary[is_early], activity[is_early], settings.n_categories)
    mass: Floats = of_early.astype(np.float64)
    seasons = np.array(
        [laws.season(month, season_peaks(world), settings.season_strength) for month in range(12)]
    )
    expected: Floats = seasons.astype(np.float64) * mass
    # How many fall into a month is fixed by the number of events; how they are shared out there is the law.
    expected *= observed.sum(axis=1, keepdims=True) / expected.sum(axis=1, keepdims=True)
    return _chi_square(observed.ravel().astype(np.float64), expected.ravel(), 12)


def session_lengths(world: ShopWorld) -> float:
    """Choices per session: a Zipf law with an end."""
    is_choice = world.product_choices | world.editorial_choices
    lengths = np.bincount(world.data.sessions[is_choice])
    counts = np.bincount(lengths[lengths > 0], minlength=world.settings.session_max_choices + 1)[1:]
    shares = laws.power_law(world.settings.session_max_choices, world.settings.session_exponent)
    return _chi_square(counts.astype(float), shares * counts.sum(), 1)


def session_exponent(world: ShopWorld) -> float:
    """Exponent of the same, by maximum likelihood."""
    is_choice = world.product_choices | world.editorial_choices
    lengths = np.bincount(world.data.sessions[is_choice])
    lengths = lengths[lengths > 0]
    logs = np.log(np.arange(1, world.settings.session_max_choices + 1))
    counts = np.bincount(lengths, minlength=len(logs) + 1)[1:]
    fitted, error = fit_choices(counts[None].astype(float), -logs[None, :, None])
    return _p_of((fitted[0] - world.settings.session_exponent) / error[0])


def activity_of_users(world: ShopWorld) -> float:
    """Sessions per user: as activity has it, among early users of one category."""
    settings, firsts = world.settings, session_firsts(world)
    n_sessions = np.bincount(world.event_users[firsts], minlength=settings.n_users).astype(float)
    activity = np.sort(np.array(world.users["activity"], np.float64))[::-1]
    ranks = len(activity) - stats.rankdata(world.users["activity"], "ordinal") + 1
    assert len(activity) == settings.n_users
    is_early = _is_early(world)
    of_category = is_early & (world.primary[:, None] == np.arange(settings.n_categories)).T
    counts = np.where(of_category, n_sessions, 0)
    features = np.where(of_category, -np.log(ranks), -np.inf)[..., None]
    fitted, error = fit_choices(counts, features)
    return _p_of((fitted[0] - settings.activity_exponent) / error[0])


def product_share(world: ShopWorld) -> float:
    """Choices of products; of events they make up `product_share`."""
    settings = world.settings
    share = laws.product_choices(
        settings.product_share,
        list(settings.product_funnel.values()),
        list(settings.editorial_funnel.values()),
    )
    n, n_others = int(world.product_choices.sum()), int(world.editorial_choices.sum())
    return _share(n, n + n_others, share)


def product_funnel(world: ShopWorld) -> float:
    """Stages of products, each beside the one before."""
    return _funnel(world, world.is_product, world.settings.product_funnel)


def editorial_funnel(world: ShopWorld) -> float:
    """Stages of editorial items."""
    return _funnel(world, ~world.is_product, world.settings.editorial_funnel)


def kinds_of_editorial(world: ShopWorld) -> float:
    """Kinds of editorial items."""
    shares = world.settings.editorial_kinds
    kinds = [item.kind for item in world.data.events.catalog if item.attributes.get("editorial")]
    counts = np.array([kinds.count(kind) for kind in shares], float)
    return _chi_square(counts, np.array(list(shares.values())) * len(kinds), 1)


def gaps_between_choices(world: ShopWorld) -> float:
    """Time from the last event of a choice to the next choice of the session: exponential."""
    order = np.lexsort((world.data.events.timestamps, world.data.sessions))
    sessions, times = world.data.sessions[order], world.data.events.timestamps[order]
    is_choice = (world.product_choices | world.editorial_choices)[order]
    of = (np.diff(sessions) == 0) & is_choice[1:]
    return float(stats.kstest(np.diff(times)[of], "expon", args=(0, world.settings.choice_gap_s)).pvalue)


def prices_within_tiers(world: ShopWorld) -> float:
    """Prices beside the middle of their tier: log-normal."""
    middles = world.settings.price_tiers
    items = [item.attributes for item in world.data.events.catalog if "price" in item.attributes]
    logs = [np.log(item["price"] / middles[item["price_tier"]]) for item in items]
    return float(stats.kstest(logs, "norm", args=(0, 0.3)).pvalue)


def starts_within_a_month(world: ShopWorld) -> float:
    """Starts of sessions over a month, of users who are there from the first day: uniform."""
    firsts = session_firsts(world)
    firsts = firsts[_is_early(world)[world.event_users[firsts]]]
    times = world.data.events.timestamps[firsts][world.months[firsts] == 0]
    begin = span_of(world.settings).begin
    return float(stats.kstest(times, "uniform", args=(begin, 31 * 86_400)).pvalue)


def late_users(world: ShopWorld) -> float:
    """Users who come after the first day."""
    arrivals = np.array(world.users["arrival"], np.float64)
    return _share(
        int((arrivals > span_of(world.settings).begin).sum()), len(arrivals), world.settings.late_users
    )


def fit_products(world: ShopWorld) -> tuple[Floats, Floats]:
    settings = world.settings
    n_groups = settings.n_categories * settings.n_subcategories
    members = [np.flatnonzero(world.items["group"] == group) for group in range(n_groups)]
    of = world.product_choices
    counts = np.zeros((12, len(world.items["group"])))
    np.add.at(counts, (world.months[of], world.event_items[of]), 1)
    sets, features = [], []
    for month in range(12):
        for group in members:
            apart = laws.months_apart(month, world.items["peak_month"][group] - 1)
            sets.append(counts[month, group])
            features.append(-np.stack([np.log(world.items["rank"][group]), apart], axis=1))
    return fit_choices(np.array(sets), np.array(features))


def fit_editorial(world: ShopWorld) -> tuple[Floats, Floats]:
    settings, of = world.settings, world.editorial_choices
    topics = editorial_topics(world)
    numbers = world.event_items[of] - settings.n_products
    primary, months = world.primary[world.event_users[of]], world.months[of]
    ranks = world.items["rank"][settings.n_products :]
    peaks = world.items["peak_month"][settings.n_products :] - 1
    sets, features = [], []
    for month in range(12):
        for category in range(settings.n_categories):
            chosen = np.bincount(
                numbers[(primary == category) & (months == month)], minlength=settings.n_editorial
            )
            x = -np.stack([np.log(ranks), laws.months_apart(month, peaks)], axis=1).astype(float)
            for is_about in (True, False):
                is_member = topics[:, category] == is_about
                sets.append(np.where(is_member, chosen, 0))
                features.append(np.where(is_member[:, None], x, -np.inf))
    return fit_choices(np.array(sets), np.array(features))


def fit_choices(counts: Floats, features: Floats) -> tuple[Floats, Floats]:
    """Return coefficients and standard errors of a conditional logit (McFadden 1974), by Newton's method.

    `counts` is (S, N), how often each of N was chosen in each of S sets; `features` is (S, N, K), -inf for
    what is no member of a set.
    """
    is_member = np.isfinite(features[..., 0])
    x = np.where(is_member[..., None], features, 0.0)
    totals = counts.sum(axis=1)
    beta = np.zeros(x.shape[2])
    for _ in range(30):
        weights = np.where(is_member, np.exp(x @ beta), 0)
        shares = weights / weights.sum(axis=1, keepdims=True)
        means = np.einsum("sn,snk->sk", shares, x)
        gradient = np.einsum("sn,snk->k", counts, x) - totals @ means
        centred = x - means[:, None]
        information = np.einsum("s,sn,snk,snl->kl", totals, shares, centred, centred, optimize=True)
        # Bounded: far from the maximum a whole step may overshoot.
        step = np.clip(np.linalg.solve(information, gradient), -0.2, 0.2)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def session_firsts(world: ShopWorld) -> NDArray[np.int64]:
    """Return the positions of sessions' first events."""
    firsts: NDArray[np.int64] = np.unique(world.data.sessions, return_index=True)[1]
    return firsts


def editorial_topics(world: ShopWorld) -> NDArray[np.bool_]:
    names = {category_name(number): number for number in range(world.settings.n_categories)}
    topics = np.zeros((world.settings.n_editorial, len(names)), bool)
    editorial = [item for item in world.data.events.catalog if item.attributes.get("editorial")]
    for row, item in enumerate(editorial):
        topics[row, [names[name] for name in item.categories]] = True
    return topics


def season_peaks(world: ShopWorld) -> NDArray[np.int64]:
    """Return the month in which each category has its season: no file has it, so it is drawn again."""
    return draw_catalog(world.settings).season_peaks


def _is_early(world: ShopWorld) -> NDArray[np.bool_]:
    return np.array(world.users["arrival"], np.float64) <= span_of(world.settings).begin


def _funnel(world: ShopWorld, of: NDArray[np.bool_], funnel: dict[str, float]) -> float:
    types = world.types[of]
    n = {stage: int((types == stage).sum()) for stage in funnel}
    chances = [
        _share(n[stage], n[before], funnel[stage] / funnel[before]) for before, stage in pairwise(funnel)
    ]
    return min(min(chances) * len(chances), 1.0)  # Bonferroni


def _share(n: int, n_of: int, share: float) -> float:
    return float(stats.binomtest(n, n_of, share).pvalue)


def _chi_square(observed: Floats, expected: Floats, n_fixed: int) -> float:
    """Return the p-value of counts, cells of less than five put together; `n_fixed` totals are given."""
    is_large = expected >= 5
    observed = np.append(observed[is_large], observed[~is_large].sum())
    expected = np.append(expected[is_large], expected[~is_large].sum())
    observed, expected = observed[expected > 0], expected[expected > 0]
    statistic = ((observed - expected) ** 2 / expected).sum()
    return float(stats.chi2.sf(statistic, len(observed) - n_fixed))


def _p_of(z: float) -> float:
    return float(2 * stats.norm.sf(abs(z)))
