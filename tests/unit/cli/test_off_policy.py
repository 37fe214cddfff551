"""`experiment off-policy` over logs in files."""

import json
from pathlib import Path

import pytest

from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.domain.items.propensities import Draw, propensities_of
from streamrec.ports import IMPRESSIONS, INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.command_line import run


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteEventSink:
    monkeypatch.setenv("STREAMREC_EVENTS_URL", f"sqlite:///{tmp_path}/events.db")
    monkeypatch.setenv("STREAMREC_STORE_URL", f"sqlite:///{tmp_path}/store.db")
    return SqliteEventSink(tmp_path / "events.db")


def fill(sink: SqliteEventSink) -> None:
    """Write lists of which every other one has a new item, which is always clicked, and nothing else is."""
    lists, clicks = [b"none"], [b"none"]
    for number in range(200):
        new = (5 + number % 5,) if number % 2 else ()
        items = [f"i{position}" for position in range(10)]
        sources = ["new" if position in new else "blend" for position in range(10)]
        propensities = list(propensities_of(Draw(0.05, 10, 9, new)))
        exposure = Exposure("r", f"u{number}", 1e9, items, sources, propensities=propensities)
        lists.append(encode_exposure(exposure))
        for position in new:
            event = Interaction(f"u{number}", f"i{position}", 1e9, "view", request_id="r")
            clicks.append(encode_event(event))
    lists.append(encode_exposure(Exposure("r", "without", 1e9, ["i"])))
    sink.append(IMPRESSIONS, [Message("u", payload) for payload in lists])
    sink.append(INTERACTIONS, [Message("u", payload) for payload in clicks])


def test_shares_that_were_not_shown_are_told(
    sink: SqliteEventSink, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(sink)
    assert run("experiment", "off-policy", "--exploration", "0.1", "--window-s", "1e10", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["n"], told["n_users"], told["n_without_chance"]) == (1000, 200, 1)
    assert told["logged"]["value"] == pytest.approx(0.1)
    for name in ("ips", "snips", "doubly_robust"):
        assert told[name]["value"] == pytest.approx(0.2, abs=0.001)
    assert told["is_supported"]
    assert run("experiment", "off-policy", "--exploration", "0", "--window-s", "1e10") == 0
    assert "IPS            0.0000 (0.0000 to 0.0000) clicks a position" in capsys.readouterr().out


def test_a_log_without_chance_is_told(sink: SqliteEventSink, capsys: pytest.CaptureFixture[str]) -> None:
    sink.append(IMPRESSIONS, [Message("u", encode_exposure(Exposure("r", "u", 1e9, ["i"])))])
    assert run("experiment", "off-policy", "--exploration", "0.1") == 2
    assert "STREAMREC_EXPOSURES=all" in capsys.readouterr().err
