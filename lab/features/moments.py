"""Moments that features are made for."""

from lab.configuration.result_sections import FeaturesSection, SplitSection
from lab.dataset.split import split_by_time
from lab.features.past import DAY_S
from streamrec.datasets.event_set import EventSet


def moments_of(events: EventSet, features: FeaturesSection, split: SplitSection) -> list[float]:
    """Return rising Unix seconds: so many days apart, and where validation and test begin.

    Nothing has happened before the first event, so that it is none of them.
    """
    if not len(events):
        return []
    first, last = float(events.timestamps[0]), float(events.timestamps[-1])
    step = features.snapshot_days * DAY_S
    regular = [first + number * step for number in range(1, int((last - first) / step) + 1)]
    parts = split_by_time(events, split)
    begins = [float(part.timestamps[0]) for part in (parts.validation, parts.test) if len(part)]
    return sorted({moment for moment in regular + begins if moment > first})
