"""Counters since the generation began; kept in the checkpoint: a crash changes nothing."""

import msgspec


class Counters(msgspec.Struct):
    """Totals over the stream.

    Attributes
    ----------
    n_events
        Events that took effect or were recorded: neither rejected nor repeats.
    n_learned, n_recorded, n_disliked
        Of these, by the sign of their type's weight.
    n_retracted
        Of these, those that took back what their user had said.
    n_ignored
        Of these, those about items that were deleted.
    n_rejected, n_repeats, n_erased
        Records without effect: no events, repeats, and events from before their user's erasure.
    n_commands
        Commands carried out.
    """

    n_events: int = 0
    n_learned: int = 0
    n_recorded: int = 0
    n_disliked: int = 0
    n_ignored: int = 0
    n_rejected: int = 0
    n_repeats: int = 0
    n_commands: int = 0
    n_erased: int = 0
    n_retracted: int = 0

    def as_numbers(self) -> dict[str, float]:
        """Return the totals by name, for the hot cache and for metrics."""
        return {name: float(value) for name, value in msgspec.structs.asdict(self).items()}
