"""From events one by one to the columns of an `EventSet`."""

from array import array

import numpy as np

from streamrec.datasets.event_set import CodedColumn, EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction


class EventCollector:
    """Gathers events one by one into the columns of an `EventSet`."""

    def __init__(self) -> None:
        self._codes = {"users": array("i"), "items": array("i"), "types": array("i")}
        self._names: dict[str, dict[str, int]] = {"users": {}, "items": {}, "types": {}}
        self._timestamps = array("d")
        self._values = array("d")
        self._lines = array("q")
        self._given_ids: list[str | None] | None = None  # most files bring none: eight bytes an event saved

    def add(self, line: int, event: Interaction) -> None:
        """Take the event that stands at `line`."""
        if event.event_id is not None and self._given_ids is None:
            self._given_ids = [None] * len(self._lines)
        if self._given_ids is not None:
            self._given_ids.append(event.event_id)
        self._append("users", event.user_id)
        self._append("items", event.item_id)
        self._append("types", event.type)
        self._timestamps.append(event.timestamp)
        self._values.append(float("nan") if event.value is None else event.value)
        self._lines.append(line)

    def finish(self, name: str, content_hash: str, report: ReadReport) -> EventSet:
        """Return what was gathered, sorted by time; nothing can be added then."""
        return EventSet(
            name,
            users=self._column("users"),
            items=self._column("items"),
            types=self._column("types"),
            timestamps=np.frombuffer(self._timestamps, np.float64),
            values=np.frombuffer(self._values, np.float64),
            lines=np.frombuffer(self._lines, np.int64),
            given_ids=None if self._given_ids is None else np.array(self._given_ids, np.object_),
            content_hash=content_hash,
            report=report,
        ).sorted_by_time()

    def _append(self, column: str, text: str) -> None:
        codes = self._names[column]
        self._codes[column].append(codes.setdefault(text, len(codes)))

    def _column(self, column: str) -> CodedColumn:
        return CodedColumn(np.frombuffer(self._codes[column], np.int32), list(self._names[column]))
