"""The store in memory, read by one thread while another writes."""

import asyncio
import sys
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.domain.items.item import Item, ItemPosition

N_READ = 500
N_WRITTEN = 200


@pytest.fixture
def turns_are_short() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("turns_are_short")
def test_what_is_read_may_change_meanwhile() -> None:
    store, is_over = MemoryStore(), Event()
    variants = (Variant("a"), Variant("b"))

    def write() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            id_ = f"x{number % N_WRITTEN}"
            one = Experiment(id_, number, variants=variants, control="a", primary="ctr")
            asyncio.run(store.put_experiment(one, 0))
            asyncio.run(store.put_items([Item(f"item-{number}")]))
            if number % N_WRITTEN == 0:
                for written in range(N_WRITTEN):
                    asyncio.run(store.delete_experiment(f"x{written}"))

    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(N_READ):
            assert len(store.read_experiments().experiments) <= N_WRITTEN
            asyncio.run(store.changed_items(ItemPosition(), 10))
    finally:
        is_over.set()
        writer.join()
