import numpy as np
from structlog.testing import capture_logs

from streamrec.domain.ranking.metrics import MISS
from streamrec.shadow.model_watch import ModelWatch


def watched(watch: ModelWatch, n: int, chance: float, **others: float) -> list[str]:
    """Note events that the model and others hit with these chances; return what was said."""
    random = np.random.default_rng(0)
    chances = {"popularity": 0.0, "checkpoint": 0.0, "day": 0.0} | others
    with capture_logs() as said:
        for _ in range(n):
            ranks = {name: 0 if random.random() < of else MISS for name, of in chances.items()}
            user_id = f"user-{random.integers(1000)}"
            watch.note(user_id, 0 if random.random() < chance else MISS, ranks)
    return [line["event"] for line in said]


def test_a_model_that_blew_up_says_so_once_and_again_when_it_is_back() -> None:
    watch = ModelWatch(10)
    assert watched(watch, 2000, 0.2, popularity=0.1) == []
    assert watched(watch, 2500, 0.0, popularity=0.1) == ["model_below_usual", "model_below_popularity"]
    assert watch.gauges()["model_below_popularity"] == 1.0
    said = watched(watch, 5000, 0.2, popularity=0.1)
    assert sorted(said) == ["model_above_popularity_again", "model_above_usual_again"]
    assert not any(watch.gauges().values())


def test_it_says_what_it_is_below() -> None:
    for name in ("checkpoint", "day"):
        watch = ModelWatch(10)
        assert watch.is_clear
        assert watched(watch, 2000, 0.1, **{name: 0.2}) == [f"model_below_{name}"]
        assert watch.is_alarmed
        assert [gauge for gauge, value in watch.gauges().items() if value] == [f"model_below_{name}"]
        watch.clear()
        assert watch.is_clear


def test_one_that_falls_with_all_others_says_so_and_need_not_go_back() -> None:
    watch = ModelWatch(10)
    assert watched(watch, 6000, 0.15, popularity=0.08, checkpoint=0.15, day=0.15) == []
    said = watched(watch, 4000, 0.07, popularity=0.05, checkpoint=0.07, day=0.07)
    assert said == ["model_below_usual"]
    assert not watch.is_alarmed
    assert not watch.is_clear


def test_what_speaks_against_a_model_shows_before_it_is_an_alarm() -> None:
    watch = ModelWatch(10)
    watched(watch, 25, 0.0, checkpoint=1.0)
    assert not watch.is_alarmed
    assert not watch.is_clear
