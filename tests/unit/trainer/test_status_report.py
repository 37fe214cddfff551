"""What the trainer publishes of itself, through the whole loop."""

import asyncio
from pathlib import Path

from streamrec.domain.sources.table import COLUMNS
from streamrec.domain.status.point import RINGS, StatusPoint
from streamrec.domain.status.report import TrainerReport
from tests.builders import GENERATION, World, events

RING = RINGS["10s"]


def report_of(world: World) -> TrainerReport:
    report = asyncio.run(world.cache.report())
    assert report is not None
    return report


def points_of(world: World) -> list[StatusPoint]:
    return asyncio.run(world.cache.points(RING, range(RING.n_slots)))


def test_figures_of_the_last_seconds_are_published_as_points(tmp_path: Path) -> None:
    world = World(tmp_path)
    trainer = world.trainer(evaluations_per_s=1e6, max_batch=10)
    for round_ in range(25):
        world.send(*events(*[(f"u{n % 5}", f"i{(n * round_) % 17}") for n in range(10)]))
        trainer.step()
    points = points_of(world)
    # A step is a second by the clock: each but the first and the last has ten looks at ten events.
    assert [point.at for point in points] == [1000, 1010]
    assert points[1].values["events_per_s"] == 10.0
    assert points[1].values["freshness_s"] >= points[1].values["users_published_after_s"] >= 0.0
    recalls = {name for name in points[1].values if name.startswith("recall.")}
    assert recalls == {f"recall.{name}" for name in (*COLUMNS, "popularity", "served")}
    assert all(0 <= points[1].values[name] <= 1 for name in recalls)
    assert points[1].values["recall.popular_all"] > 0


def test_a_restart_goes_on_in_the_same_ring(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.trainer()
    world.send(*events(("u", "a")))
    first.step(21)
    first.finish()
    before = points_of(world)
    assert before
    world.clock.now += 100.0
    world.trainer("two", is_restored=True).step(21)
    after = points_of(world)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert report_of(world).started_at > before[-1].at


def test_rejected_records_are_told_by_reason_and_never_of_the_erased(tmp_path: Path) -> None:
    world = World(tmp_path)
    trainer = world.trainer()
    world.send(b"garbage", b'{"user_id": "somebody"}', b'{"user_id": "somebody", "item_id": ""}')
    trainer.step()
    report = report_of(world)
    assert report.generation == GENERATION
    assert {one.reason: one.n for one in report.rejected} == {"not_json": 1, "does_not_fit": 2}
    assert all(one.message for one in report.rejected)
    world.erase("somebody")
    trainer.step()
    assert {one.message for one in report_of(world).rejected} == {""}
