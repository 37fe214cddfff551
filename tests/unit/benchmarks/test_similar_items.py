from benchmarks.similarity.item_groups import planted


def test_every_kind_of_similarity_finds_planted_groups_again() -> None:
    found = planted(n_events=10_000, seed=5)
    assert {by: share >= 0.9 for by, share in found.items()} == dict.fromkeys(found, True)
    assert set(found) == {"vector", "covisitation", "same_day", "blend"}


def test_nothing_is_found_where_nothing_was_learned_yet() -> None:
    assert max(planted(n_events=300, seed=5).values()) < 0.5
