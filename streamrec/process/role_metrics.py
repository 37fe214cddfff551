"""Under which names the figures of a process go out."""

from streamrec.domain.generations.roles import Role
from streamrec.ports import Metrics


class RenamedMetrics:
    """The trainer's figures under names that begin with another process' name instead of ``trainer.``."""

    def __init__(self, metrics: Metrics, process: str) -> None:
        self._metrics = metrics
        self._process = process

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        self._metrics.count(self._renamed(name), n)

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._metrics.gauge(self._renamed(name), value)

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
        self._metrics.timing(self._renamed(name), duration_ms)

    def _renamed(self, name: str) -> str:
        return f"{self._process}.{name.removeprefix('trainer.')}"


def metrics_of(role: Role, metrics: Metrics) -> Metrics:
    """Return where the figures of a role go."""
    return metrics if role == "champion" else RenamedMetrics(metrics, "challenger")
