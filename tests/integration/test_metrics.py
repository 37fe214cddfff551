"""The documentation of the metrics against what the running system sends."""

from pathlib import Path

import pytest

from streamrec.telemetry import NullMetrics
from tests.builders import World, events
from tests.deploy import watched_metrics as watched
from tests.driven_system import Figure, sent_by_the_system


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> set[Figure]:
    return sent_by_the_system(tmp_path_factory.mktemp("driven"))


def describes(row: Figure, figure: Figure) -> bool:
    return row.kind == figure.kind and watched.fits(row.name, figure.name)


def test_all_that_is_sent_is_documented(sent: set[Figure]) -> None:
    rows = watched.documented()
    assert [figure for figure in sorted(sent) if not any(describes(row, figure) for row in rows)] == []


def test_all_that_is_documented_is_sent(sent: set[Figure]) -> None:
    rows = watched.documented()
    assert len(rows) > 50
    assert [row for row in rows if not any(describes(row, figure) for figure in sent)] == []


def test_the_documentation_names_each_metric_once() -> None:
    names = [row.name for row in watched.documented()]
    assert sorted(set(names)) == sorted(names)


class LastGauges(NullMetrics):
    def __init__(self) -> None:
        self.gauges: dict[str, float] = {}

    def gauge(self, name: str, value: float) -> None:
        self.gauges[name] = value


def test_the_lag_is_told_in_events_and_in_seconds(tmp_path: Path) -> None:
    metrics = LastGauges()
    world = World(tmp_path, metrics)
    trainer = world.trainer(max_batch=2)
    world.send(*events(("u", "i"), ("v", "j"), ("w", "k")))
    appended_at = world.records("interactions")[0].timestamp
    world.clock.now = appended_at + 40.0
    trainer.step()
    assert metrics.gauges["trainer.lag_events"] == 1
    assert metrics.gauges["trainer.lag_s"] == pytest.approx(41.0, abs=5.0)  # a step moves the clock by 1 s
    trainer.step()
    assert (metrics.gauges["trainer.lag_events"], metrics.gauges["trainer.lag_s"]) == (0, 0)
    trainer.finish()
