"""Experiments: definitions, and what came of them."""

from typing import Any

import msgspec


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Changes that a variant makes; None leaves a thing as it is."""

    sources: tuple[str, ...] | None = None
    ranking: str | None = None
    diversity: float | None = None
    exploration: float | None = None
    generation: str | None = None
    batch: str | None = None


class Variant(msgspec.Struct, frozen=True):
    """One of the alternatives: its weight among all, and what it changes."""

    name: str
    weight: float = 1.0
    changes: Changes = Changes()


class Guardrail(msgspec.Struct, frozen=True):
    """A metric that no variant may lower by more than this share of the control's."""

    metric: str
    max_drop: float


class Verdict(msgspec.Struct, frozen=True):
    """Decision that the results call for, the variant that it is about, and the reason."""

    decision: str
    variant: str
    reason: str


class Experiment(msgspec.Struct, frozen=True):
    """A definition as it is stored.

    Attributes
    ----------
    version
        One more with each change: who replaces it names the one that was read.
    era
        The version since which outcomes count.
    slice, ramp
        Percent of the layer's users that are the experiment's own, and of these the percent that take part.
    state
        ``draft``, ``running`` or ``stopped``.
    window_s, outcome_s
        Seconds in which an event belongs to a list, and in which a user's outcome is counted.
    planned_users
        Users after which the group-sequential test ends.
    challenger
        The generation that `challenger` stands for in this era.
    """

    id: str
    version: int
    variants: tuple[Variant, ...]
    control: str
    primary: str
    era: int = 1
    layer: str = "default"
    slice: tuple[float, float] = (0.0, 100.0)
    state: str = "draft"
    ramp: float = 100.0
    audience: dict[str, tuple[str, ...]] = {}
    design: str = "ab"
    guardrails: tuple[Guardrail, ...] = ()
    window_s: float = 1800.0
    outcome_s: float = 86400.0
    alpha: float = 0.05
    planned_users: int | None = None
    created_at: float = 0.0
    changed_at: float = 0.0
    stopped_at: float | None = None
    stopped_by: str | None = None
    reason: str | None = None
    verdict: Verdict | None = None
    challenger: str | None = None


class ExperimentAnswer(msgspec.Struct, frozen=True):
    """An experiment: its definition, and its results; None before the first."""

    definition: Experiment
    results: dict[str, Any] | None = None


class ExperimentsAnswer(msgspec.Struct, frozen=True):
    """All definitions in the order of their ids; of others, which can't be read, why; why some are paused."""

    experiments: list[Experiment]
    broken: dict[str, str] = {}
    paused: dict[str, str] = {}
