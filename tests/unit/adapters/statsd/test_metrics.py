import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import structlog

from streamrec.adapters.statsd.destination import Address, Destination, resolve
from streamrec.adapters.statsd.metrics import StatsdMetrics, open_metrics
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.telemetry import NullMetrics, timed


@pytest.fixture
def receiver() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        yield made


def lines_from(receiver: socket.socket) -> list[str]:
    """Return the lines that wait, of all datagrams."""
    lines = receiver.recv(65536).decode().split("\n")
    receiver.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            lines += receiver.recv(65536).decode().split("\n")
    return lines


def opened(receiver: socket.socket) -> StatsdMetrics:
    metrics = open_metrics(f"statsd://127.0.0.1:{receiver.getsockname()[1]}")
    assert isinstance(metrics, StatsdMetrics)
    return metrics


def test_figures_go_out_together_under_our_prefix(receiver: socket.socket) -> None:
    with closing(opened(receiver)) as metrics:
        metrics.count("trainer.events", 3)
        metrics.count("trainer.events", 4)
        metrics.gauge("trainer.lag_events", 9)
        metrics.gauge("trainer.lag_events", 7.5)
        with timed(metrics, "trainer.learn"):
            pass
    lines = lines_from(receiver)
    assert lines[:2] == ["streamrec.trainer.events:7|c", "streamrec.trainer.lag_events:7.5|g"]
    assert lines[2].startswith("streamrec.trainer.learn:")
    assert lines[2].endswith("|ms")


def test_figures_go_out_by_themselves(receiver: socket.socket) -> None:
    with closing(opened(receiver)) as metrics:
        metrics.count("trainer.events")
        assert receiver.recv(512) == b"streamrec.trainer.events:1|c"


def test_a_datagram_fits_a_frame_and_none_of_a_thousand_is_lost(receiver: socket.socket) -> None:
    with closing(opened(receiver)) as metrics:
        for number in range(1000):
            metrics.timing("index.search", number)
    datagrams: list[bytes] = []
    while sum(datagram.count(b"|ms") for datagram in datagrams) < 1000:
        datagrams.append(receiver.recv(65536))
    assert max(map(len, datagrams)) <= 1400
    assert len(datagrams) < 50


def test_a_gauge_below_zero_is_set_and_no_number_is_left_out(receiver: socket.socket) -> None:
    with closing(opened(receiver)) as metrics:
        metrics.gauge("low", -2.5)
        metrics.gauge("unknown", float("nan"))
        metrics.count("end")
    lines = lines_from(receiver)
    assert lines == ["streamrec.end:1|c", "streamrec.low:0|g", "streamrec.low:-2.5|g"]


def test_what_many_threads_count_is_all_counted(receiver: socket.socket) -> None:
    with closing(opened(receiver)) as metrics:

        def work() -> None:
            for _ in range(2000):
                metrics.count("n")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(int(line.split(":")[1].removesuffix("|c")) for line in lines_from(receiver)) == 8000


def test_nobody_listening_is_no_error(receiver: socket.socket) -> None:
    metrics = opened(receiver)
    receiver.close()
    for _ in range(3):
        metrics.count("trainer.events")
    metrics.close()


def test_memory_is_bounded_while_nothing_can_be_sent() -> None:
    metrics = StatsdMetrics(Destination("nowhere.invalid", 1, resolve=unresolvable), interval_s=60)
    with closing(metrics):
        for _ in range(30_000):
            metrics.timing("index.search", 1.0)
        assert len(metrics._timings) == 20_000


def unresolvable(host: str, port: int) -> Address:
    raise Unavailable(f"{host}: unknown")


def test_a_name_that_is_unknown_at_first_is_tried_again(receiver: socket.socket) -> None:
    answers = iter([unresolvable, unresolvable, resolve])
    now = [0.0]
    port = receiver.getsockname()[1]
    destination = Destination(
        "127.0.0.1", port, resolve=lambda *name: next(answers)(*name), clock=lambda: now[0]
    )
    with structlog.testing.capture_logs() as logs:
        for now[0] in (0.0, 0.5, 1.0, 2.5, 3.0):
            destination.look_up_if_due()
            destination.wait_for_address(10)
            destination.send(str(now[0]).encode())
    destination.close()
    assert receiver.recv(512) == b"3.0"  # tried at 0, 1 and 3 s: the pauses grow
    assert [log["event"] for log in logs] == ["statsd_unresolvable", "statsd_resolved"]


def test_a_name_that_is_lost_later_keeps_its_address(receiver: socket.socket) -> None:
    answers = iter([resolve, unresolvable])
    now = [0.0]
    port = receiver.getsockname()[1]
    destination = Destination(
        "127.0.0.1", port, resolve=lambda *name: next(answers)(*name), clock=lambda: now[0]
    )
    destination.look_up_if_due()
    destination.wait_for_address(10)
    now[0] = 61.0
    destination.look_up_if_due()
    destination.send(b"still here")
    destination.close()
    assert receiver.recv(512) == b"still here"


def test_a_resolver_that_hangs_holds_up_nobody() -> None:
    release = threading.Event()

    def hang(host: str, port: int) -> Address:
        release.wait(30)
        return unresolvable(host, port)

    metrics = StatsdMetrics(Destination("slow.invalid", 1, resolve=hang))
    metrics.count("trainer.events")
    metrics.close()  # does not wait for the resolver
    assert not release.is_set()
    release.set()


def test_an_unresolvable_host_is_no_error_at_the_start() -> None:
    metrics = open_metrics("statsd://no-such-host.invalid:8125")
    assert isinstance(metrics, StatsdMetrics)
    metrics.close()


def test_no_url_means_no_metrics() -> None:
    assert isinstance(open_metrics(None), NullMetrics)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8125", "statsd://", "statsd://host:port", "statsd://[::1:8125", "8125"]
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="statsd://host:8125"):
        open_metrics(url)
