"""Collection of garbage, which stops a process for as long as there are objects to look at.

Few objects name themselves, and only those need the collector: all others go when they are no longer named.
What stays, as catalogues and copies do, would be looked at again and again for nothing: a recommender that
knows 100,000 items stood for .2 s every ten seconds.
"""

import gc
import threading
import time

_MADE_BEFORE_A_LOOK = 20_000
"""Objects of a trainer: a batch makes some thousands, which go without the collector. At 700, as is usual, it
takes a tenth of the processor's time."""

_LOOKS_AT_YOUNG_EVERY_S = 5.0
"""For a server: what came in so short a time is looked at within milliseconds."""

_LOOKS_AT_ALL_EVERY_S = 900.0
"""For a server: the rest, which grows by what was in use at a look and named itself, goes so often."""

_NEVER = 1 << 30


def leave_out_what_stays() -> None:
    """Look no more at what there is now: a catalogue and its tables stay for as long as the process.

    What is made later is looked at. Of what stays nothing that names itself goes, until this is called again,
    as it is when a trainer takes another role.
    """
    look_at_all()
    gc.set_threshold(_MADE_BEFORE_A_LOOK)


def look_at_all() -> None:
    """Collect the garbage among all objects, and leave out the others."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def look_at_young() -> None:
    """Collect the garbage among the objects that were made since the last look, and leave out the others."""
    gc.collect(1)
    gc.freeze()


def do_not_look_yet() -> None:
    """Collect no garbage until `look_beside_answers`: to import and compile leaves none worth a second."""
    gc.disable()


def look_beside_answers() -> None:
    """Begin to look now and then, in a thread; by itself Python looks only at what was just made."""
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, _NEVER)
    gc.enable()
    look_at_all()
    threading.Thread(target=_look_on, name="garbage", daemon=True).start()


def _look_on() -> None:
    while True:
        all_due = time.monotonic() + _LOOKS_AT_ALL_EVERY_S
        while time.monotonic() < all_due:
            time.sleep(_LOOKS_AT_YOUNG_EVERY_S)
            look_at_young()
        look_at_all()
