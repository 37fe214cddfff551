"""Position that a replay has come to, on disk."""

import json
from dataclasses import dataclass
from pathlib import Path

from streamrec.durable_files import replace_bytes
from streamrec.payload import DAMAGE


@dataclass(frozen=True)
class PositionFile:
    """Remembers how far a replay has come, in a small file that is replaced as a whole."""

    path: Path

    def load(self) -> int | None:
        """Return the position of the next event, None where nothing (readable) is remembered."""
        try:
            return int(json.loads(self.path.read_bytes())["next_event"])
        except (*DAMAGE, FileNotFoundError):
            return None

    def save(self, next_event: int) -> None:
        """Remember."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(self.path, json.dumps({"next_event": next_event}).encode())
