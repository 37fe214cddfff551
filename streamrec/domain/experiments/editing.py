"""Rules for editing experiments, also while they run."""

from collections.abc import Iterable

import msgspec

from streamrec.domain.experiments.definition import INTERLEAVED, Experiment
from streamrec.errors import InvalidInput

ERA_FIELDS = (
    *("layer", "slice", "audience", "design", "variants", "window_s", "outcome_s"),
    *("primary", "alpha", "planned_users"),
)
"""Fields whose change begins an era: who takes part, what they see, what an outcome is, and how it is judged.

The last because the results so far may be the reason for the change: whoever chooses the metric that looks
best, or another alpha, among outcomes that were seen finds what is not there.
"""


def successor(old: Experiment, new: Experiment, now: float) -> Experiment:
    """Return an experiment as it is stored after an edit: the next version, and perhaps a new era.

    An edit of a draft, or one that sets a stopped experiment running again, begins an era too: what was
    counted before belongs to other users and other days.

    Parameters
    ----------
    now
        Unix seconds.
    """
    version = old.version + 1
    is_changed = any(getattr(old, name) != getattr(new, name) for name in ERA_FIELDS)
    is_new_era = is_changed or (old.state != "running" and new.state != "stopped")
    return msgspec.structs.replace(
        new,
        version=version,
        era=version if is_new_era else old.era,
        created_at=old.created_at,
        changed_at=now,
    )


def refuse_conflicts(experiment: Experiment, others: Iterable[Experiment]) -> None:
    """Look for running experiments that one that is to run can't run beside.

    Raises
    ------
    InvalidInput
        When one of the same layer has some of the same users, or one of another layer changes the same.
    """
    changed = _claims(experiment)
    for other in others:
        if other.id == experiment.id or other.state != "running":
            continue
        if other.layer == experiment.layer:
            (first, end), (other_first, other_end) = experiment.slice, other.slice
            if first < other_end and other_first < end:
                raise InvalidInput(
                    f"experiment {other.id!r} runs in layer {other.layer!r} on the slice {other_first:g} to"
                    f" {other_end:g}: choose a slice beside it, or stop it"
                )
        elif both := changed & _claims(other):
            raise InvalidInput(
                f"experiment {other.id!r} of layer {other.layer!r} changes {', '.join(sorted(both))} too:"
                f" run both in one layer, on slices beside each other"
            )


def _claims(experiment: Experiment) -> frozenset[str]:
    return experiment.changed() | ({INTERLEAVED} if experiment.design == INTERLEAVED else set())
