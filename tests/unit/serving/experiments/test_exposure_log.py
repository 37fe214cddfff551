"""Exposures on their way into the log."""

import asyncio
from collections.abc import Sequence

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.domain.experiments.exposure import Exposure, decode_exposure
from streamrec.errors import Overloaded
from streamrec.ports import IMPRESSIONS, Fence, Message
from streamrec.serving.experiments import exposure_log
from streamrec.serving.experiments.exposure_log import ExposureLog
from tests.unit.serving.experiments.shop import Counted

N = 2500


class Reluctant(MemoryEventSink):
    def __init__(self, log: MemoryEventLog, n_refusals: int) -> None:
        super().__init__(log)
        self.n_refusals, self.sizes = n_refusals, list[int]()

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        if self.n_refusals:
            self.n_refusals -= 1
            raise Overloaded("no more for now", retry_after_s=1.0)
        self.sizes.append(len(messages))
        super().append(topic, messages, fence)


def exposure(n: int) -> Exposure:
    return Exposure(f"r{n}", f"u{n % 7}", 5.0, ["i"])


async def test_many_are_appended_in_order_some_at_a_time_after_a_refusal() -> None:
    log = MemoryEventLog()
    sink, metrics = Reluctant(log, n_refusals=1), Counted()
    exposures = ExposureLog(sink, metrics)
    for n in range(N):
        exposures.note(exposure(n))
    async with asyncio.timeout(300):
        while len(log.records.get(IMPRESSIONS, [])) < N:
            await asyncio.sleep(0.01)
    await exposures.aclose()
    assert [decode_exposure(one.value).request_id for one in log.records[IMPRESSIONS]] == [
        f"r{n}" for n in range(N)
    ]
    assert log.records[IMPRESSIONS][8].key == "u1"
    assert sink.sizes == [1000, 1000, 500]
    assert metrics.counts == {"recommender.exposures_appended": N}


async def test_what_waits_at_the_end_is_appended_once() -> None:
    log = MemoryEventLog()
    exposures = ExposureLog(MemoryEventSink(log), Counted())
    exposures.note(exposure(1))
    await asyncio.sleep(0)
    await exposures.aclose()
    await exposures.aclose()
    assert len(log.records[IMPRESSIONS]) == 1


async def test_a_log_that_refuses_at_the_end_costs_what_is_left_and_it_is_counted() -> None:
    metrics = Counted()
    exposures = ExposureLog(Reluctant(MemoryEventLog(), n_refusals=99), metrics)
    for n in range(3):
        exposures.note(exposure(n))
    await exposures.aclose()
    assert metrics.counts == {"recommender.exposures_dropped": 3}


async def test_beyond_the_bound_new_ones_are_dropped() -> None:
    metrics = Counted()
    exposures = ExposureLog(MemoryEventSink(MemoryEventLog()), metrics)
    for n in range(exposure_log.MAX_WAITING + 2):
        exposures.note(exposure(n))
    assert metrics.counts == {"recommender.exposures_dropped": 2}
    await exposures.aclose()
    assert metrics.counts["recommender.exposures_appended"] == exposure_log.MAX_WAITING


async def test_who_waits_goes_on_once_the_log_has_it_or_after_the_longest_wait() -> None:
    log = MemoryEventLog()
    exposures = ExposureLog(MemoryEventSink(log), Counted(), wait_s=300.0)
    await asyncio.gather(*(exposures.write(exposure(n)) for n in range(9)))
    assert len(log.records[IMPRESSIONS]) == 9
    await exposures.aclose()
    refused = MemoryEventLog()
    reluctant = ExposureLog(Reluctant(refused, n_refusals=1), Counted(), wait_s=0.01)
    await reluctant.write(exposure(1))
    assert IMPRESSIONS not in refused.records
    await reluctant.aclose()
    assert len(refused.records[IMPRESSIONS]) == 1


async def test_whose_list_is_dropped_or_forgotten_waits_no_longer() -> None:
    exposures = ExposureLog(Reluctant(MemoryEventLog(), n_refusals=99), Counted(), wait_s=300.0)
    asked = asyncio.create_task(exposures.write(exposure(1)))
    await asyncio.sleep(0.05)
    exposures.forget_user("u1")
    await asked
    asked = asyncio.create_task(exposures.write(exposure(2)))
    await asyncio.sleep(0.05)
    await exposures.aclose()
    await asked
    await exposures.write(exposure(3))
