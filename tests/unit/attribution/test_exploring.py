"""Estimates for other shares of exploration, out of lists in which chance put new items."""

import random

import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.attribution.exploring import ExploredLists, estimated, read_to_the_end
from streamrec.domain.experiments.attribution import Act
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.items.exploration import first_slot_of
from streamrec.domain.items.propensities import Draw, propensities_of
from streamrec.errors import InvalidInput
from streamrec.ports import IMPRESSIONS, Message

K = 10
CLICKS_NEW, CLICKS_OLD = 0.30, 0.10


def shown(chance: random.Random, number: int, share: float) -> Exposure:
    """Return a list as the recommender makes it: so many new items, at random lower positions."""
    whole, rest = divmod(share * K, 1.0)
    n_new = min(int(whole) + (chance.random() < rest), K - first_slot_of(K))
    new = tuple(sorted(chance.sample(range(first_slot_of(K), K), n_new)))
    return Exposure(
        f"r{number}",
        f"u{number % 500}",
        float(number),
        [f"i{number}.{position}" for position in range(K)],
        sources=["new" if position in new else "blend" for position in range(K)],
        propensities=list(propensities_of(Draw(share, K, 20, new))),
    )


def filled(share: float, n: int = 1500) -> ExploredLists:
    chance = random.Random(3)
    lists = ExploredLists(most=10**6, window_s=60.0)
    for exposure in [shown(chance, number, share) for number in range(n)]:
        lists.add(exposure)
        for item_id, source in zip(exposure.items, exposure.sources, strict=True):
            if chance.random() < (CLICKS_NEW if source == "new" else CLICKS_OLD):
                lists.click(Act(exposure.user_id, exposure.at + 5.0, item_id, "click"))
    return lists


def true_value(share: float) -> float:
    share_of_slots = share * K / (K - first_slot_of(K))
    return share_of_slots * CLICKS_NEW + (1 - share_of_slots) * CLICKS_OLD


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25])
def test_a_share_that_was_never_shown_is_estimated(share: float) -> None:
    found = estimated(filled(0.12).kept(), share)
    assert found.doubly_robust is not None
    for estimate in (found.ips, found.snips, found.doubly_robust):
        assert estimate.interval is not None
        low, high = estimate.interval
        assert low <= true_value(share) <= high
        assert high - low < 0.12
    assert found.is_supported
    assert found.logged.value == pytest.approx(true_value(0.12), abs=0.02)


def test_the_share_that_was_shown_is_what_was_counted() -> None:
    found = estimated(filled(0.1, n=500).kept(), 0.1)
    assert found.ips.value == pytest.approx(found.logged.value)
    assert found.effective_n == pytest.approx(found.n)


def test_clicks_count_once_for_the_newest_list_within_the_window() -> None:
    lists = ExploredLists(most=10, window_s=60.0)
    for number, at in enumerate((0.0, 10.0, 10.0)):
        request = f"r{min(number, 1)}"
        lists.add(Exposure(request, "u", at, ["i"] * 1, propensities=[0.5], sources=["new"]))
    lists.add(Exposure("without", "u", 11.0, ["i"]))
    for at in (20.0, 21.0, 71.0):
        lists.click(Act("u", at, "i", "click"))
    lists.click(Act("u", 22.0, "i", "click", request_id="r0"))
    answered = {one.showing.request_id: len(one.showing.answers) for one in lists.kept()}
    assert answered == {"r0": 1, "r1": 1}
    assert lists.n_without_chance == 1


def test_lists_without_chance_tell_nothing() -> None:
    with pytest.raises(InvalidInput, match="STREAMREC_EXPOSURES=all"):
        estimated([], 0.1)


def test_a_log_is_read_to_where_it_ended() -> None:
    log = MemoryEventLog()
    sink, source = MemoryEventSink(log), MemoryEventSource(log, [IMPRESSIONS], "g")
    sink.append(IMPRESSIONS, [Message("k", b"") for _ in range(5)])
    read: list[int] = []
    assert read_to_the_end(source, lambda record: read.append(record.offset)) == 5
    assert read == [0, 1, 2, 3, 4]
