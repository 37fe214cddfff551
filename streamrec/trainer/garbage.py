"""Collection of garbage, which stops the loop for as long as there are objects to look at."""

import gc

_MADE_BEFORE_A_LOOK = 20_000
"""Objects: a batch makes some thousands, which go without the collector. At 700, as is usual, it takes a
tenth of the processor's time."""


def leave_out_what_stays() -> None:
    """Look no more at what there is now: a catalogue and its tables stay for as long as the process.

    What is made later is looked at. Of what stays nothing that names itself goes, until this is called again,
    as it is when a trainer takes another role.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_MADE_BEFORE_A_LOOK)
