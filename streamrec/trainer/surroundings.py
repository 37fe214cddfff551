"""What the trainer's loop works with besides its state."""

from collections.abc import Callable
from dataclasses import dataclass, field

from streamrec.learning.reverts import Reverts
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.ports import EventSource, Metrics, TrainerStore
from streamrec.process.erasures import ErasureReader
from streamrec.process.lease import LeaseKeeper
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Publisher
from streamrec.shadow.live_index import LiveIndex


@dataclass(frozen=True)
class Surroundings:
    """What the loop works with besides its state.

    `clock` gives Unix seconds; `is_superseded` says whether another generation is live now; `erasures` knows
    which events of the source no longer count.
    """

    source: EventSource
    store: TrainerStore
    publisher: Publisher
    checkpoints: Checkpoints
    lease: LeaseKeeper
    metrics: Metrics
    clock: Callable[[], float]
    is_superseded: Callable[[], bool]
    stop: StopRequest
    erasures: ErasureReader
    live_index: LiveIndex | None = None
    reverts: Reverts = field(default_factory=Reverts)
