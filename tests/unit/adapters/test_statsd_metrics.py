import socket
from contextlib import closing

import pytest

from streamrec.adapters.statsd_metrics import StatsdMetrics, open_metrics
from streamrec.errors import ConfigurationError
from streamrec.telemetry import NullMetrics, timed


def test_each_figure_is_a_datagram_under_our_prefix() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        metrics = open_metrics(f"statsd://127.0.0.1:{receiver.getsockname()[1]}")
        assert isinstance(metrics, StatsdMetrics)
        with closing(metrics):
            metrics.count("trainer.events", 3)
            metrics.gauge("trainer.lag_events", 7.5)
            with timed(metrics, "trainer.learn"):
                pass
        received = [receiver.recv(512).decode() for _ in range(3)]
    assert received[:2] == ["streamrec.trainer.events:3|c", "streamrec.trainer.lag_events:7.5|g"]
    assert received[2].startswith("streamrec.trainer.learn:")
    assert received[2].endswith("|ms")


def test_nobody_listening_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
    with closing(StatsdMetrics("127.0.0.1", port)) as metrics:
        for _ in range(3):
            metrics.count("trainer.events")


def test_an_unresolvable_host_is_done_without() -> None:
    assert isinstance(open_metrics("statsd://no-such-host.invalid:8125"), NullMetrics)


def test_no_url_means_no_metrics() -> None:
    assert isinstance(open_metrics(None), NullMetrics)


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="statsd://host:8125"):
        open_metrics("http://127.0.0.1:8125")
