"""Pauses before a process is started again, which grow while it keeps ending."""

from dataclasses import dataclass


@dataclass
class BackOff:
    """Doubles the pause with each end, up to a cap; begins anew after a calm time.

    >>> pauses = BackOff(first_s=1.0, cap_s=5.0, calm_s=60.0)
    >>> [pauses.after(lived_s) for lived_s in (0.1, 0.1, 59.0, 0.1, 60.0, 0.1)]
    [1.0, 2.0, 4.0, 5.0, 1.0, 2.0]

    Attributes
    ----------
    calm_s
        Who lived so long is taken to be well.
    n_in_a_row
        Ends without a calm time between them.
    """

    first_s: float = 0.5
    cap_s: float = 30.0
    calm_s: float = 30.0
    n_in_a_row: int = 0

    def after(self, lived_s: float) -> float:
        """Return the pause after a life of so many seconds."""
        if lived_s >= self.calm_s:
            self.n_in_a_row = 0
        self.n_in_a_row += 1
        # 2 to the power of days of ends would be no float any more.
        return min(self.cap_s, self.first_s * 2.0 ** min(self.n_in_a_row - 1, 30))
