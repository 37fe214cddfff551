"""What a trainer's process does once, done in the server that all of them are forked from."""

import gc
import tempfile
from pathlib import Path

from streamrec.learning.learner import use_one_thread
from tests.builders import World, events


def learn_once() -> None:
    """Load what is compiled: learn, publish and write a checkpoint of a few events."""
    use_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        trainer = world.trainer()
        pairs = [(f"u{n % 5}", f"i{n % 7}") for n in range(40)]
        world.send(*events(*pairs), *events(*pairs, type="dislike"))
        trainer.step(3)
        trainer.finish()


learn_once()
# What is there by now stays: no process looks through it for garbage.
gc.freeze()
