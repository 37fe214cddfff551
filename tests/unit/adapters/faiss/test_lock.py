import threading
import time

import pytest

from streamrec.adapters.faiss.lock import ReadWriteLock

_LONG_S = 10.0


def test_readers_hold_it_together() -> None:
    lock, together = ReadWriteLock(), threading.Barrier(3, timeout=_LONG_S)

    def read() -> None:
        with lock.reading():
            together.wait()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    together.wait()
    for thread in threads:
        thread.join()
    assert not together.broken


def test_a_writer_holds_it_alone() -> None:
    lock = ReadWriteLock()
    n_inside = [0]
    seen: list[int] = []

    def write() -> None:
        for _ in range(200):
            with lock.writing():
                n_inside[0] += 1
                time.sleep(0)
                seen.append(n_inside[0])
                n_inside[0] -= 1

    def read() -> None:
        for _ in range(200):
            with lock.reading():
                time.sleep(0)
                seen.append(1 + n_inside[0])

    threads = [threading.Thread(target=work) for work in (write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {1}


def test_a_waiting_writer_goes_before_new_readers() -> None:
    lock, order = ReadWriteLock(), []
    reading, done = threading.Event(), threading.Event()

    def first_reader() -> None:
        with lock.reading():
            reading.set()
            done.wait(_LONG_S)

    def writer() -> None:
        with lock.writing():
            order.append("writer")

    def second_reader() -> None:
        with lock.reading():
            order.append("reader")

    threads = [threading.Thread(target=first_reader)]
    threads[0].start()
    assert reading.wait(_LONG_S)
    for work in (writer, second_reader):
        thread = threading.Thread(target=work)
        threads.append(thread)
        thread.start()
        time.sleep(0.1)
    assert order == []
    done.set()
    for thread in threads:
        thread.join()
    assert order == ["writer", "reader"]


def test_readers_that_have_waited_go_before_the_next_writer() -> None:
    lock = ReadWriteLock()
    stop = threading.Event()

    def write_on() -> None:
        while not stop.is_set():
            with lock.writing():
                time.sleep(0.01)

    writer = threading.Thread(target=write_on)
    writer.start()
    n_reads = 0
    for _ in range(20):
        with lock.reading():
            n_reads += 1
    stop.set()
    writer.join(_LONG_S)
    assert n_reads == 20
    assert not writer.is_alive()


def test_it_is_released_when_the_block_raises() -> None:
    lock = ReadWriteLock()
    for hold in (lock.reading, lock.writing):
        with pytest.raises(ZeroDivisionError), hold():
            assert 1 / len([]) == 0
    entered = []
    for hold in (lock.writing, lock.reading):
        with hold():
            entered.append(hold)
    assert len(entered) == 2
