import re

import pytest
import structlog
from falcon import testing
from structlog.testing import capture_logs

from faiss_server.app import Rules, create_app
from faiss_server.generations import Generations
from streamrec.telemetry import NullMetrics

HEADER = "X-Request-ID"


class Seen(NullMetrics):
    def __init__(self) -> None:
        self.counted: list[str] = []
        self.timed: list[str] = []

    def count(self, name: str, n: int = 1) -> None:
        self.counted.append(name)

    def timing(self, name: str, duration_ms: float) -> None:
        self.timed.append(name)


def client_of(metrics: NullMetrics, slow_s: float = 60.0) -> testing.TestClient:
    return testing.TestClient(create_app(Generations(), metrics, Rules(slow_request_s=slow_s)))


def test_the_ids_of_all_requests_of_a_search_are_kept() -> None:
    result = client_of(NullMetrics()).simulate_get("/health/live", headers={HEADER: "a-1,b.2,c_3"})
    assert result.headers[HEADER] == "a-1,b.2,c_3"


@pytest.mark.parametrize("given", ["two words", "ünïcode", '"quoted"', "", "x" * 8001])
def test_what_is_no_id_is_replaced(given: str) -> None:
    result = client_of(NullMetrics()).simulate_get("/health/live", headers={HEADER: given})
    assert re.fullmatch("[0-9a-f]{16}", result.headers[HEADER])


def test_a_thread_that_goes_on_has_forgotten_the_id() -> None:
    client_of(NullMetrics()).simulate_get("/health/live", headers={HEADER: "a"})
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize(("slow_s", "level"), [(60.0, "debug"), (1e-9, "warning")])
def test_slow_requests_are_logged_louder(slow_s: float, level: str) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        client_of(NullMetrics(), slow_s).simulate_get("/v1/stats", headers={HEADER: "a"})
    (line,) = [log for log in logs if log["event"] == "request"]
    assert (line["log_level"], line["request_id"], line["path"]) == (level, "a", "/v1/stats")


def test_requests_are_counted_by_route_and_class_of_status() -> None:
    seen = Seen()
    client = client_of(seen)
    client.simulate_get("/v1/stats")
    client.simulate_post("/v1/search", json={"vectors": []})
    client.simulate_get("/anything/else")
    client.simulate_request("PATCH", "/v1/stats")
    assert seen.counted == [
        "index.requests.stats.get.2xx",
        "index.requests.search.post.5xx",
        "index.requests.none.get.4xx",
        "index.requests.stats.other.4xx",
    ]
    assert len(seen.timed) == 4
