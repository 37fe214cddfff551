"""Signals that come while the main thread begins to wait, and to processes whose other threads get them."""

import os
import signal
import subprocess
import sys
import time
from threading import Event, Thread

from streamrec.process.stop import heed_signals

_LONG_S = 120.0

WAITS_FOR_EVER = """
import gc
import sys
import time
from threading import Thread
from streamrec.process.stop import stop_on_signals

request = stop_on_signals()
gc.collect()
Thread(target=time.sleep, args=(1000,), daemon=True).start()
with request.is_stopping._cond:  # as within the wait, where a handler in this thread would wait for itself
    print("ready", flush=True)
    time.sleep(1)
request.is_stopping.wait()
print("stopping", flush=True)
request.is_giving_up.wait()
"""


def test_signals_are_acted_on_by_a_thread_until_the_end() -> None:
    n_heeded, came = 0, Event()

    def act() -> None:
        nonlocal n_heeded
        n_heeded += 1
        came.set()

    before, fd_before = signal.getsignal(signal.SIGUSR1), signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(fd_before)
    end = heed_signals([signal.SIGUSR1], act)
    # To this thread's group, from another one: whoever gets it.
    sender = Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1))
    sender.start()
    assert came.wait(_LONG_S)
    sender.join()
    end()
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.set_wakeup_fd(fd_before) == fd_before
    assert n_heeded == 1


def test_no_signal_is_lost_while_the_event_that_it_sets_is_held() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS_FOR_EVER], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    with process, process.stdout as said:
        assert said.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert said.readline() == "stopping\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_LONG_S) == 0
