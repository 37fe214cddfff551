"""The format of the logs, whoever writes; each case in a process of its own, for logging is global."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamrec.errors import ConfigurationError
from streamrec.telemetry import NullMetrics, logging_config, timed

ROOT = Path(__file__).parents[2]

BEGIN = """
import logging, threading
import structlog
from streamrec.telemetry import configure_logging
configure_logging({level!r}, "tester")
log = structlog.get_logger()
"""


def run(code: str, level: str = "INFO") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGIN.format(level=level) + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(code: str, level: str = "INFO") -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(code, level).stderr.splitlines()]


def test_our_lines_and_others_have_one_format() -> None:
    ours, drivers, servers = lines(
        """
structlog.contextvars.bind_contextvars(request_id="r1")
log.info("learned", n=3)
logging.getLogger("pymongo.pool").warning("lost %s", "a connection")
logging.getLogger("gunicorn.error").info("Booting")
"""
    )
    assert (ours["event"], ours["n"], ours["level"]) == ("learned", 3, "info")
    assert (drivers["event"], drivers["logger"]) == ("lost a connection", "pymongo.pool")
    assert (servers["event"], servers["level"]) == ("Booting", "info")
    for line in (ours, drivers, servers):
        assert (line["service"], line["request_id"]) == ("tester", "r1")
        assert line["timestamp"].endswith("Z")


def test_drivers_are_heard_from_warnings_on_only() -> None:
    code = "for name in ('kafka', 'pymongo', 'redis', 'asyncio'): logging.getLogger(name).info('chatter')"
    assert lines(code, "DEBUG") == []


def test_what_kafkas_driver_meets_is_told_by_us_alone() -> None:
    code = "logging.getLogger('kafka.net.manager').error('Connection failed')"
    assert lines(code, "DEBUG") == []


def test_lines_below_the_level_are_left_out() -> None:
    assert [line["event"] for line in lines("log.info('a'); log.warning('b')", "WARNING")] == ["b"]
    assert [line["event"] for line in lines("log.debug('a')", "debug")] == ["a"]


def test_a_thread_tells_its_service_too() -> None:
    (line,) = lines("t = threading.Thread(target=log.info, args=('hi',)); t.start(); t.join()")
    assert line["service"] == "tester"


def test_secrets_are_left_out_wherever_they_stand() -> None:
    found = run(
        """
url = "mongodb://me:s3cret@h/db?tls_password=s3cret"
log.info("at " + url, url=url, where=ValueError(url), many=[url, {"deep": url}], raw=url.encode())
log.info("asked", headers={"X-API-Key": "s3cret", "accept": "*/*"}, password="s3cret")
log.info("scope [(b'authorization', b'Bearer s3cret'), (b'x-api-key', b's3cret')]")
logging.getLogger("redis").error("no answer from %s", "rediss://:s3cret@h:6379")
try:
    raise ValueError(url)
except ValueError:
    log.exception("failed")
    logging.getLogger("pymongo").exception("failed")
def fail(): raise ValueError(url)
thread = threading.Thread(target=fail); thread.start(); thread.join()
fail()
"""
    )
    assert found.returncode == 1
    assert len(found.stderr.splitlines()) == 8
    assert "s3cret" not in found.stderr + found.stdout
    assert found.stderr.count("mongodb://me:***@h/db?tls_password=***") >= 8
    crash = json.loads(found.stderr.splitlines()[-1])
    assert (crash["event"], crash["level"]) == ("crashed", "critical")
    assert "ValueError" in crash["exception"]


def test_on_a_terminal_it_is_for_people() -> None:
    terminal, ours = os.openpty()
    code = BEGIN.format(level="INFO") + "log.info('learned', n=3)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=ours, check=True)
    os.close(ours)
    text = os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert "learned" in text
    assert not text.startswith("{")


def test_lines_that_a_full_disk_does_not_take_end_nothing() -> None:
    code = BEGIN.format(level="INFO") + "log.info('learned'); logging.getLogger().error('other'); print('on')"
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )
    assert told.stdout == "on\n"


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="STREAMREC_LOG_LEVEL 'LOUD' is none of DEBUG"):
        logging_config("LOUD", "tester")


class Timings(NullMetrics):
    def __init__(self) -> None:
        self.names: list[str] = []

    def timing(self, name: str, duration_ms: float) -> None:
        assert duration_ms >= 0
        self.names.append(name)


def test_a_block_is_timed_also_when_it_fails() -> None:
    timings = Timings()
    with timed(timings, "well"):
        pass
    with pytest.raises(ZeroDivisionError), timed(timings, "badly"):
        raise ZeroDivisionError
    assert timings.names == ["well", "badly"]
