"""How a server comes by the blend that the trainer learned."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.published_blend import Blend, TrainerRules
from streamrec.domain.ranking.user_columns import LIGHT, Asker
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.covisitation import COVISITATION
from streamrec.domain.sources.gmf import GMF
from streamrec.domain.sources.table import COLUMNS, first_blend
from streamrec.domain.users.context import ContextRules, Weighing
from streamrec.errors import Unavailable
from streamrec.serving.guard import Guard
from streamrec.serving.sources.learned_blend import RENEWED_AFTER_S, LearnedBlend
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock, proposal

EQUAL = first_blend().published()
ITEMS = ItemNumbers(IdMap("vn"))
PROPOSALS = {GMF.name: proposal([0], [1.0], is_logit=True), COVISITATION.name: proposal([1], [1.0])}


def believing(source: str, **changes: object) -> Blend:
    """Return a blend in which one source is all that counts."""
    weights = [float(name == source) for name in COLUMNS]
    one = msgspec.structs.replace(EQUAL, weights=dict.fromkeys(EQUAL.weights, weights), n_learned=1)
    return msgspec.structs.replace(one, **changes)


class Slow(MemoryCache):
    """A cache that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_down = False
        self.n_reads = 0

    async def blend(self) -> Blend | None:
        self.n_reads += 1
        await self.may_answer.wait()
        if self.is_down:
            raise Unavailable("down")
        return await super().blend()


class Reader:
    """A server's blend, and its cache."""

    def __init__(self) -> None:
        self.cache, self.clock = Slow(), SteppingClock()
        self.blend = LearnedBlend(self.cache, Guard("cache", 5.0, NullMetrics()), self.clock)

    async def best(self) -> str:
        """Return which of two candidates, one of a source each, is first."""
        ranker = await self.blend.ranker()
        candidates = Candidates(COLUMNS, PROPOSALS, Asker(9), ITEMS)
        assert candidates.segment == LIGHT
        return ITEMS.ids_at([int(candidates.numbers[ranker.scores(candidates).argmax()])])[0]

    async def later(self) -> None:
        """Let a copy grow old, ask, and wait for what is read beside it."""
        self.clock.now += RENEWED_AFTER_S
        await self.blend.ranker()
        await self.blend.aclose()


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = Reader()
    yield made
    made.cache.may_answer.set()
    await made.blend.aclose()


async def test_the_first_who_asks_waits_and_later_ones_do_not(reader: Reader) -> None:
    reader.cache.publish_blend(believing(COVISITATION.name))
    assert await reader.best() == "n"
    reader.cache.may_answer.clear()
    reader.cache.publish_blend(believing(GMF.name))
    reader.clock.now += RENEWED_AFTER_S
    assert await asyncio.wait_for(reader.best(), 1) == "n"  # one copy old, and no wait
    reader.cache.may_answer.set()
    await reader.blend.aclose()
    assert await reader.best() == "v"


async def test_it_is_read_once_in_a_while(reader: Reader) -> None:
    for _ in range(20):
        await reader.best()
    assert reader.cache.n_reads == 1
    await reader.later()
    assert reader.cache.n_reads == 2


async def test_before_anything_was_published_weights_are_equal(reader: Reader) -> None:
    assert (await reader.blend.ranker()).published().weights == EQUAL.weights


async def test_a_blend_of_other_sources_is_passed_over(reader: Reader) -> None:
    reader.cache.publish_blend(believing(COVISITATION.name))
    assert await reader.best() == "n"
    reader.cache.publish_blend(believing(GMF.name, sources=tuple(reversed(COLUMNS))))
    await reader.later()
    assert await reader.best() == "n"


async def test_a_blend_of_other_columns_is_passed_over(reader: Reader) -> None:
    reader.cache.publish_blend(believing(COVISITATION.name))
    assert await reader.best() == "n"
    reader.cache.publish_blend(believing(GMF.name, columns=EQUAL.columns[::-1]))
    await reader.later()
    assert await reader.best() == "n"


async def test_the_streams_time_goes_on_between_and_after_publications(reader: Reader) -> None:
    reader.cache.publish_blend(believing(GMF.name, time=StreamTime(500.0, 37.0)))
    await reader.best()
    assert reader.blend.time() == (500.0, 37.0)
    # Published again and again without an event: life goes on meanwhile.
    for _ in range(3):
        await reader.later()
    assert reader.blend.time() == (500.0 + 3 * RENEWED_AFTER_S, 37.0)
    reader.cache.publish_blend(believing(GMF.name, time=StreamTime(9e6, 40.0)))
    await reader.later()
    assert reader.blend.time() == (9e6, 40.0)


async def test_while_the_cache_is_down_the_last_one_serves_on(reader: Reader) -> None:
    reader.cache.publish_blend(believing(COVISITATION.name))
    assert await reader.best() == "n"
    reader.cache.is_down = True
    await reader.later()
    assert await reader.best() == "n"


async def test_a_cache_that_is_down_from_the_start_leaves_equal_weights(reader: Reader) -> None:
    reader.cache.is_down = True
    assert (await reader.blend.ranker()).published().weights == EQUAL.weights
    reader.cache.is_down = False
    reader.cache.publish_blend(believing(COVISITATION.name))
    await reader.later()
    assert await reader.best() == "n"


async def test_the_trainers_rules_are_those_of_the_newest_blend(reader: Reader) -> None:
    assert reader.blend.weighing().rules == ContextRules(), "nobody told any"
    rules = TrainerRules(ContextRules(3, 0.5, 0.1), {"look": 0.0})
    reader.cache.publish_blend(believing("gmf", rules=rules, time=StreamTime(5.0, 7.0)))
    weights = await reader.blend.weights()
    assert (weights.of("look"), weights.of("dislike")) == (0.0, 1.0)
    assert reader.blend.weighing() == Weighing(rules.context, 7.0)
    reader.cache.publish_blend(believing("gmf"))
    await reader.later()
    assert (await reader.blend.weights()).of("dislike") == -1.0
