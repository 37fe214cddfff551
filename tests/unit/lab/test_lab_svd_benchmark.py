from benchmarks.lab.svd import Size, measured, plant

SMALL = Size(n_users=400, n_tags=200, n_items=800, n_groups=5)


def test_planted_groups_are_found_at_a_small_size_too() -> None:
    figures = measured(SMALL, seed=1)
    assert 0.7 < figures["precision_at_79"] < 1.0  # by chance: .2
    assert 400 * 15 <= figures["n_events"] <= 400 * 30
    assert figures["peak_mb"] > 10
    assert figures["fit_s"] > 0


def test_equal_seeds_plant_equal_events() -> None:
    first, again, other = plant(SMALL, 3), plant(SMALL, 3), plant(SMALL, 4)
    assert list(first.events[:50]) == list(again.events[:50])
    assert first.groups.tolist() == again.groups.tolist()
    assert list(first.events[:50]) != list(other.events[:50])
