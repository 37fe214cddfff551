"""Every law of the shop holds in its files, and its test finds a shop of another law out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.lab.generator import law_checks as checks
from tests.unit.lab.generator.shop_world import ShopWorld, small_settings, write_small

HOLDS = 1e-3
"""A p-value above it is taken for chance; the seed is fixed, so that it is the same in each run."""
FOUND = 1e-6

LAWS: list[tuple[Callable[[ShopWorld], float], str]] = [
    (checks.exponent_of_products, "generator.product_exponent=1.1"),
    (checks.peaks_of_products, "generator.peak_decay=.25"),
    (checks.exponent_of_editorial, "generator.editorial_exponent=1.0"),
    (checks.primary_affinity, "generator.primary_affinity=.66"),
    (checks.preferred_affinity, "generator.preferred_affinity=.55"),
    (checks.editorial_affinity, "generator.primary_affinity=.66"),
    (checks.other_categories, "generator.season_strength=.2"),
    (checks.other_categories, "generator.category_exponent=.8"),
    (checks.seasons_of_sessions, "generator.season_strength=.2"),
    (checks.session_lengths, "generator.session_exponent=1.4"),
    (checks.session_exponent, "generator.session_exponent=1.6"),
    (checks.activity_of_users, "generator.activity_exponent=.7"),
    (checks.product_share, "generator.product_share=.76"),
    (checks.product_funnel, "generator.product_funnel.cart=.09"),
    (checks.editorial_funnel, "generator.editorial_funnel.read=.36"),
    (checks.kinds_of_editorial, "generator.editorial_kinds.post=.6"),
    (checks.gaps_between_choices, "generator.choice_gap_s=37"),
    (checks.prices_within_tiers, "generator.price_tiers.mid=75"),
    (checks.starts_within_a_month, "generator.days=20"),
    (checks.late_users, "generator.late_users=.3"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopWorld:
    folder = tmp_path_factory.mktemp("shop")
    write_small(folder)
    return ShopWorld(folder, small_settings())


@pytest.mark.parametrize(("check", "_planted"), LAWS, ids=lambda part: getattr(part, "__name__", part))
def test_a_law_holds(shop: ShopWorld, check: Callable[[ShopWorld], float], _planted: str) -> None:
    assert check(shop) > HOLDS


@pytest.mark.parametrize(("check", "planted"), LAWS, ids=lambda part: getattr(part, "__name__", part))
def test_a_shop_of_another_law_is_found_out(
    tmp_path: Path, check: Callable[[ShopWorld], float], planted: str
) -> None:
    write_small(tmp_path, planted)
    assert check(ShopWorld(tmp_path, small_settings())) < FOUND
