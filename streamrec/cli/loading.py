"""Tries, reasons and words of the commands that load rows into the recommender."""

import tenacity

from streamrec.cli.screen import say, say_rejected
from streamrec.cli.service_call import Service
from streamrec.datasets.files.read_report import ReadReport
from streamrec.errors import InvalidDataset, StreamrecError

REFUSED = "refused"
"""The reason of rows that the service does not take."""

_MAX_TRIES = 5


def patiently_called() -> tenacity.Retrying:
    """Return a caller that waits where the service says so, and gives up after some tries."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, StreamrecError) and e.retriable),
        wait=tenacity.wait_exponential(multiplier=0.2, max=5.0),
        stop=tenacity.stop_after_attempt(_MAX_TRIES),
        reraise=True,
    )


def say_loaded(
    service: Service, report: ReadReport, n_taken: int, loaded: str, *, of: object, kind: str
) -> None:
    """Say what was left out, and then what was loaded.

    Parameters
    ----------
    n_taken, loaded
        How many the service took, and the same in words.
    of, kind
        Where the rows come from, and what each should be: for the error.

    Raises
    ------
    InvalidDataset
        When there were rows, and none was taken.
    """
    say_rejected(report)
    if report.n_read and not n_taken:
        what = "was taken" if report.reasons[REFUSED] else f"is {kind}"
        raise InvalidDataset(f"not one row of {of} {what}")
    say(f"{loaded} are at {service.address}")
