import itertools
import random

from streamrec.domain.events.interaction import Interaction
from streamrec.shadow.evaluation_sample import SHARE, EvaluationSample


def chosen_of(events: list[Interaction], rate: float, per_s: float, seed: int) -> list[Interaction]:
    """Return what is chosen of a stream that arrives at a speed, in batches of any size."""
    sample, chance, position = EvaluationSample(rate), random.Random(seed), 0
    chosen: list[Interaction] = []
    while position < len(events):
        size = chance.randint(1, 50)
        chosen += sample.chosen(events[position : position + size], now=1000.0 + position / per_s)
        position += size
    return chosen


def stream(n: int) -> list[Interaction]:
    return [Interaction(f"u{number % 97}", f"i{number % 89}", float(number)) for number in range(n)]


def test_of_a_slow_stream_all_are_chosen_in_their_order() -> None:
    events = stream(500)
    assert chosen_of(events, rate=100.0, per_s=20.0, seed=1) == events


def test_trainers_that_keep_up_choose_the_same_whatever_their_batches() -> None:
    events = stream(30_000)
    one, two = (chosen_of(events, rate=10.0, per_s=300.0, seed=seed)[50:] for seed in (1, 2))
    shared = {*one} & {*two}
    assert len(shared) > 0.95 * max(len(one), len(two))
    assert 300 < len(shared) < 1000  # in 100 s


def test_a_choice_of_fewer_is_a_part_of_the_choice_of_more() -> None:
    events = stream(30_000)
    many, few = ({*chosen_of(events, rate, per_s=300.0, seed=1)[60:]} for rate in (40.0, 10.0))
    assert len(many) > 2 * len(few)
    assert len(few & many) > 0.95 * len(few)


def test_a_trainer_that_catches_up_chooses_no_more_than_the_rate_allows() -> None:
    n_chosen = len(chosen_of(stream(30_000), rate=10.0, per_s=10_000.0, seed=1))
    assert 0 < n_chosen <= 20 + 3 * 10


def test_what_takes_long_is_done_less_often_and_chosen_from_the_same() -> None:
    events, seconds = stream(60_000), 0.0
    slow, dear = EvaluationSample(10.0, lambda: seconds), list[Interaction]()
    for first in range(0, len(events), 30):
        for event in slow.chosen(events[first : first + 30], now=1000.0 + first / 300):
            dear.append(event)
            seconds += 0.04
    assert 0.25 * SHARE < seconds / 200 < 1.5 * SHARE
    cheap = chosen_of(events, rate=10.0, per_s=300.0, seed=1)
    assert len(cheap) > 3 * len(dear)
    settled = {*dear[40:]}
    assert len(settled & {*cheap}) > 0.9 * len(settled)


def test_a_pause_is_no_reason_to_choose_others() -> None:
    events = stream(2000)
    sample = EvaluationSample(10.0)
    before = list(sample.chosen(events[:1000], 0.0))
    after = list(
        itertools.chain(*(sample.chosen([event], 1000.0 + n) for n, event in enumerate(events[1000:])))
    )
    assert 0 < len(before) <= 20
    assert after == events[1000:]
