import numpy as np
from structlog.testing import capture_logs

from streamrec.domain.ranking.metrics import MISS
from streamrec.shadow.model_watch import ModelWatch


def watched(watch: ModelWatch, n: int, gmf: float, popularity: float, seed: int = 0) -> list[str]:
    """Note events that models hit with these chances; return what was said."""
    random = np.random.default_rng(seed)
    with capture_logs() as said:
        for _ in range(n):
            watch.note(
                0 if random.random() < gmf else MISS,
                popularity_rank=0 if random.random() < popularity else MISS,
            )
    return [line["event"] for line in said]


def test_a_model_that_blew_up_says_so_once_and_again_when_it_is_back() -> None:
    watch = ModelWatch(10)
    assert watched(watch, 2000, gmf=0.2, popularity=0.1) == []
    assert watched(watch, 2500, gmf=0.0, popularity=0.1) == ["model_below_popularity"]
    assert watch.gauges() == {"model_below_popularity": 1.0}
    assert watched(watch, 3000, gmf=0.2, popularity=0.1) == ["model_above_popularity_again"]
    assert watch.gauges() == {"model_below_popularity": 0.0}


def test_chance_alone_and_a_short_look_say_nothing() -> None:
    for seed in range(5):
        assert watched(ModelWatch(10), 1999, gmf=0.0, popularity=0.5, seed=seed) == []
    said = [watched(ModelWatch(10), 2500, gmf=0.1, popularity=0.1, seed=seed) for seed in range(20)]
    assert sum(map(bool, said)) <= 4
