"""Under which names the figures of a process go out."""

from streamrec.domain.generations.roles import Role
from streamrec.ports import Metrics

_SCOPES: dict[Role, str] = {"champion": "trainer", "challenger": "challenger"}


class ScopedMetrics:
    """Figures under names that begin with the name of a process.

    >>> from streamrec.telemetry import NullMetrics
    >>> class Shown(NullMetrics):
    ...     def gauge(self, name: str, value: float) -> None:
    ...         print(name, value)
    >>> ScopedMetrics(Shown(), "history").gauge("lag_s", 2.5)
    history.lag_s 2.5
    """

    def __init__(self, metrics: Metrics, scope: str) -> None:
        self._metrics = metrics
        self._prefix = f"{scope}."

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        self._metrics.count(self._prefix + name, n)

    def gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        self._metrics.gauge(self._prefix + name, value)

    def timing(self, name: str, duration_ms: float) -> None:
        """Record one duration."""
        self._metrics.timing(self._prefix + name, duration_ms)


def metrics_of(role: Role, metrics: Metrics) -> Metrics:
    """Return where the figures of a trainer in a role go."""
    return ScopedMetrics(metrics, _SCOPES[role])
