"""Threads that load generations and keep them in step, for whichever process answers from them."""

import threading
import time
from collections.abc import Sequence

import structlog

from faiss_server.background import Repeated, end_service
from faiss_server.generations import Generations
from faiss_server.loader import GenerationLoader, OpenSource
from faiss_server.sources import sources_of
from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.ports import COMMANDS, ITEM_VECTORS, USER_VECTORS, Metrics
from streamrec.settings.processes import IndexSettings, LocationSettings

_CURRENT_INTERVAL_S = 0.5
_MAINTENANCE_INTERVAL_S = 1.0


class Following:
    """Generations that are loaded and followed beside the process's own work, from the start on.

    A log that refuses us ends the process: unlike one that is away, it will not come by waiting.

    Attributes
    ----------
    generations
        Those that are served; none before the first is loaded.
    """

    def __init__(self, locations: LocationSettings, settings: IndexSettings, metrics: Metrics) -> None:
        self.generations = Generations()
        self._open_source = sources_of(locations, metrics)
        self._loader = GenerationLoader(
            locations.artifacts_dir,
            self.generations,
            self._open_source,
            metrics,
            time.time,
            with_users=settings.users,
        )
        of_users = [USER_VECTORS] if settings.users else []
        self._topics = [ITEM_VECTORS, *of_users, COMMANDS]
        self._threads: list[Repeated] = []
        # Beside the application: it answers that it lives, however long a log takes to answer us.
        self._starting = threading.Thread(target=self._start, name="start", daemon=True)
        self._starting.start()

    def close(self) -> None:
        """Stop loading and following; what is loaded answers on."""
        self._starting.join()
        for thread in self._threads:
            thread.stop()
        self._loader.close()

    def _start(self) -> None:
        _end_if_refused(self._open_source, self._topics)
        loader, generations = self._loader, self.generations
        self._threads = [
            Repeated("load", loader.step, _CURRENT_INTERVAL_S, on_problem=generations.note_problem),
            Repeated("maintain", loader.maintain, _MAINTENANCE_INTERVAL_S),
        ]


def _end_if_refused(open_source: OpenSource, topics: Sequence[str]) -> None:
    try:
        for topic in topics:
            source = open_source(topic)
            source.end_offsets()
            source.close()
    except ConfigurationError as error:
        end_service(error)
    except StreamrecError as error:
        structlog.get_logger().warning("waiting_for_a_part", part="changelog", error=str(error))
