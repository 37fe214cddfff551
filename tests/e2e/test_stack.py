"""The whole system on real servers, as `stack-local` runs it; and each part of it killed while events flow.

One stack for all tests here, in the order in which they stand: they need one process for the whole file
(`--dist loadfile`). The last ones end it.
"""

import http.client
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
import redis
from kafka import KafkaConsumer

from streamrec.cli.launch.local_servers import KINDS
from streamrec.errors import UnknownId
from streamrec.ports import REJECTED
from tests.conftest import REQUIRED
from tests.e2e.local_stack import N_STREAMED, LocalStack
from tests.e2e.processes import eventually


class Sent:
    """What the tests wrote into the topic, to be compared with what the trainer counted."""

    n_events = 0
    n_repeats = 0
    n_rejected = 0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    for kind in KINDS.values():
        if why_not := kind.why_not():
            (pytest.fail if REQUIRED else pytest.skip)(why_not)
    stack = LocalStack(tmp_path_factory.mktemp("stack"), rate=40)
    try:
        yield stack.start()
    finally:
        stack.launcher.end(signal.SIGINT)


@pytest.fixture(scope="module")
def sent() -> Sent:
    return Sent()


def clicks(user_id: str, *item_ids: str) -> list[dict[str, Any]]:
    """Return events as a foreign client might write them."""
    return [
        {"user_id": user_id, "item_id": item_id, "timestamp": time.time(), "event_id": f"{user_id}/{item_id}"}
        for item_id in item_ids
    ]


def test_a_foreign_clients_event_changes_what_is_recommended(stack: LocalStack, sent: Sent) -> None:
    before = stack.recommended("newcomer", k=50)
    assert before["based_on"] == "popular_items"
    first, second = (item["item_id"] for item in before["items"][:2])
    stack.produce(clicks("newcomer", first, second))
    sent.n_events += 2
    eventually(lambda: stack.is_whole_for("newcomer"))
    eventually(lambda: {first, second}.isdisjoint(shown_to(stack, "newcomer")))


def shown_to(stack: LocalStack, user_id: str) -> set[str]:
    return {item["item_id"] for item in stack.recommended(user_id, k=50)["items"]}


def test_an_items_new_metadata_is_shown_and_a_hidden_one_is_not(stack: LocalStack) -> None:
    item_id = stack.recommended("newcomer")["items"][0]["item_id"]
    stack.recommender.call("PUT", f"/v1/items/{item_id}", {"title": "A new title"})
    eventually(lambda: titles(stack).get(item_id) == "A new title")
    stack.recommender.call("PUT", f"/v1/items/{item_id}", {"title": "A new title", "is_hidden": True})
    eventually(lambda: item_id not in titles(stack))
    stack.recommender.call("PUT", f"/v1/items/{item_id}", {"title": "Back again"})
    eventually(lambda: titles(stack).get(item_id) == "Back again")


def titles(stack: LocalStack) -> dict[str, str | None]:
    return {item["item_id"]: item.get("title") for item in stack.recommended("newcomer", k=50)["items"]}


def test_an_erased_user_is_gone_everywhere(stack: LocalStack, sent: Sent) -> None:
    stack.produce(clicks("leaver", "1", "2"))
    sent.n_events += 2
    stack.recommender.call("PUT", "/v1/users/leaver", {"attributes": {"city": "Graz"}})
    eventually(lambda: stack.is_whole_for("leaver"))
    eventually(lambda: len(stack.documents("seen", {"_id.user_id": "leaver"})) == 2)
    stack.recommender.call("DELETE", "/v1/users/leaver")
    eventually(lambda: stack.recommended("leaver")["based_on"] == "popular_items")
    with pytest.raises(UnknownId):
        stack.recommender.get("/v1/users/leaver")
    stack.produce(clicks("somebody", "1"))  # learned after the erasure, so nothing is under way then
    sent.n_events += 1
    eventually(lambda: stack.is_whole_for("somebody"))
    assert stack.documents("users", {"_id": "leaver"}) == []
    assert stack.documents("seen", {"_id.user_id": "leaver"}) == []
    assert stack.recommender.get("/v1/users?prefix=leaver")["user_ids"] == []


def test_what_is_no_event_is_rejected_with_its_reason_and_the_stream_goes_on(
    stack: LocalStack, sent: Sent
) -> None:
    huge = json.dumps({"user_id": "u", "item_id": "i", "note": "x" * 400_000}).encode()
    invalid = [b"", b"\xff\xfe\x00", b"not json", huge, b"[]", b"{}", json.dumps({"user_id": "u"}).encode()]
    stack.produce(invalid, key=None)
    stack.produce(invalid, key=b"\xff not text")
    stack.produce(clicks("after-garbage", "1"))
    sent.n_rejected += 2 * len(invalid)
    sent.n_events += 1
    eventually(lambda: stack.is_whole_for("after-garbage"))
    reasons = Counter(record["reason"] for record in rejected(stack, 2 * len(invalid)))
    assert reasons == {
        "empty": 2, "utf_16": 2, "not_json": 2, "too_large": 2, "array": 2, "does_not_fit": 4,
    }  # fmt: skip


def rejected(stack: LocalStack, n: int) -> list[dict[str, Any]]:
    """Return the first `n` records of the rejected topic, as any Kafka client reads them."""
    consumer = KafkaConsumer(
        REJECTED, bootstrap_servers=stack.kafka, auto_offset_reset="earliest", consumer_timeout_ms=30_000
    )
    try:
        return [json.loads(record.value) for _, record in zip(range(n), consumer, strict=False)]
    finally:
        consumer.close()


class Watch:
    """Asks for recommendations all the time, and remembers how it was answered."""

    def __init__(self, stack: LocalStack, user_id: str) -> None:
        self.statuses: Counter[int] = Counter()
        self.n_degraded = 0
        self.n_unanswered = 0
        self._port = stack.ports["RECOMMENDER_PORT"]
        self._path = f"/v1/recommendations?user_id={user_id}&k=10"
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.02):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                connection.request("GET", self._path)
                response = connection.getresponse()
                self.statuses[response.status] += 1
                self.n_degraded += json.loads(response.read())["degraded"]
            except (OSError, http.client.HTTPException):
                self.n_unanswered += 1
            finally:
                connection.close()

    def stop(self) -> None:
        self._stopping.set()


@contextmanager
def watching(stack: LocalStack) -> Iterator[Watch]:
    watch = Watch(stack, "newcomer")
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join(60)


def send_and_see(stack: LocalStack, sent: Sent, user_id: str) -> None:
    """Write events of a new user, some twice, and wait until all parts take part in an answer to them."""
    events = clicks(user_id, "1", "2", "3")
    stack.produce([*events, *events[:2]])
    sent.n_events += 3
    sent.n_repeats += 2
    eventually(lambda: stack.is_whole_for(user_id))


@pytest.mark.parametrize("part", ["index-1", "redis", "mongodb", "trainer-1", "trainer-2"])
def test_a_killed_part_comes_back_and_answers_were_given_meanwhile(
    stack: LocalStack, sent: Sent, part: str
) -> None:
    with watching(stack) as watch:
        stack.kill(part)
        send_and_see(stack, sent, f"killed-{part}")
    assert set(watch.statuses) == {200}
    assert not watch.n_unanswered


@pytest.mark.parametrize("part", ["index-1", "redis", "mongodb"])
def test_while_a_part_is_away_answers_are_degraded(stack: LocalStack, sent: Sent, part: str) -> None:
    with watching(stack) as watch:
        stack.control("stop", part)
        stack.produce(clicks(f"without-{part}", "1", "2"))
        sent.n_events += 2
        eventually(lambda: watch.n_degraded > 10)
        stack.control("start", part)
        eventually(lambda: stack.is_whole_for(f"without-{part}"))
    assert set(watch.statuses) == {200}
    assert not watch.n_unanswered


def test_the_recommender_comes_back(stack: LocalStack, sent: Sent) -> None:
    before = psutil.Process(stack.pid_of("recommender")).children()
    stack.kill("recommender")
    assert not psutil.wait_procs(before, timeout=30)[1]  # its worker gives the port free
    send_and_see(stack, sent, "killed-recommender")


def test_an_emptied_cache_fills_itself(stack: LocalStack, sent: Sent) -> None:
    with watching(stack) as watch:
        with redis.Redis(port=stack.ports["REDIS_PORT"]) as client:
            client.flushall()
        send_and_see(stack, sent, "flushed")
        eventually(lambda: stack.counters().get("n_events"))
        eventually(lambda: stack.recommended("nobody")["items"])
    assert set(watch.statuses) == {200}


def test_the_standby_takes_over(stack: LocalStack, sent: Sent) -> None:
    eventually(lambda: all(stack.pid_of(part) for part in ("trainer-1", "trainer-2")))
    active = eventually(stack.active_trainer)
    standby = "trainer-1" if active == "trainer-2" else "trainer-2"
    n_said = stack.log_of(standby).count("standing_by")
    stack.control("restart", standby)
    eventually(lambda: stack.log_of(standby).count("standing_by") > n_said)
    stack.crash(active)
    events = clicks("taken-over", "1", "2", "3")
    stack.produce(events)
    sent.n_events += 3
    eventually(lambda: stack.is_whole_for("taken-over"))


def test_nothing_was_lost_and_nothing_counted_twice(stack: LocalStack, sent: Sent) -> None:
    stack.launcher.wait_for_words("All events were replayed")
    n_events = N_STREAMED + sent.n_events
    eventually(lambda: stack.n_read() >= n_events)
    time.sleep(2 * 1.0)  # what comes too often would come within two of the trainer's status intervals
    counters = stack.counters()
    assert stack.n_read() == n_events
    assert counters["n_repeats"] == sent.n_repeats
    assert counters["n_rejected"] == sent.n_rejected


def test_a_broker_that_forgot_its_topics_ends_nothing_and_what_was_learned_stays(
    stack: LocalStack, sent: Sent
) -> None:
    send_and_see(stack, sent, "before-the-loss")
    n_before = N_STREAMED + sent.n_events
    eventually(lambda: stack.n_read() >= n_before)
    others = [part for part in stack.parts() if part.name != "kafka"]
    with watching(stack) as watch:
        stack.kill("kafka")
        send_and_see(stack, sent, "after-the-loss")
        eventually(lambda: stack.n_read() == n_before + 3)
    assert set(watch.statuses) == {200}
    assert stack.recommended("before-the-loss")["based_on"] == "user_id"
    assert [part for part in stack.parts() if part.name != "kafka"] == others
    event = {"user_id": "by-http", "item_id": "1"}
    eventually(lambda: stack.recommender.call("POST", "/v1/events", event))
    eventually(lambda: stack.n_read() == n_before + 4)


def test_ctrl_c_leaves_nothing_behind(stack: LocalStack) -> None:
    parts = stack.processes()
    assert len(parts) > len(KINDS) + 4
    stack.launcher.end(signal.SIGINT)
    assert stack.launcher.running.returncode == 0, stack.launcher.said()
    assert stack.launcher.said().rstrip().endswith("Stopped.")
    assert not psutil.wait_procs(parts, timeout=60)[1]
    assert "Traceback" not in stack.launcher.said()


def test_all_logs_together_hold_no_stack_trace(stack: LocalStack) -> None:
    logs = (stack.folder / "var" / "stack" / "log").iterdir()
    assert not [path.name for path in logs if "Traceback" in path.read_text("utf-8", "replace")]
