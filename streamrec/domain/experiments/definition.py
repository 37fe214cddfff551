"""Definition of a live experiment: what is compared, on whom, and by which metrics.

The words are those of Tang et al. 2010, Overlapping experiment infrastructure: a user is in at most one
experiment of a layer, and layers are independent of each other.
"""

import math
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from streamrec.errors import Damaged, InvalidInput
from streamrec.payload import decoded

NAME_PATTERN = "^[a-z0-9-]{1,64}$"

Name = Annotated[
    str, msgspec.Meta(pattern=NAME_PATTERN, description="1 to 64 of a to z, 0 to 9 and hyphens.")
]

Metric = Literal["ctr", "clicks", "purchases", "purchase_rate", "value", "depth"]
"""Outcomes of a user. `ctr`: exposures answered by a click, of all; `purchase_rate`: whether there was a
purchase; `value`: sum of values; `depth`: events per session."""

State = Literal["draft", "running", "stopped"]

Design = Literal["ab", "interleaved"]
"""`ab`: a user gets one variant's lists; `interleaved`: every list mixes all variants' by team draft."""

INTERLEAVED = "interleaved"
"""Stands for the variant in an exposure whose list mixes all of them; no variant is called so."""

MAX_VARIANTS = 10
MAX_SOURCES = 50
MAX_VALUES = 1000
"""Values of an attribute that an audience may name."""

MAX_DEFINITION_BYTES = 100_000

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=366 * 86400)]
Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Changes(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Changes that a variant makes; None leaves a thing as it is without an experiment.

    Attributes
    ----------
    sources
        Candidate sources that are asked, by name; all others are left out.
    ranking
        Order of candidates: the learned blend's, or that of equal weights.
    diversity
        Weight of diversity in the list's shape, 0 to 1; what a request names itself goes before it.
    exploration
        Share of positions given to new items, 0 to 1.
    generation
        Model that answers: the champion, or the challenger that was there when the era began.
    batch
        Name of a published batch list that is shown instead.
    """

    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MAX_SOURCES)] | None = None
    ranking: Literal["learned", "equal"] | None = None
    diversity: Share | None = None
    exploration: Share | None = None
    generation: Literal["champion", "challenger"] | None = None
    batch: Name | None = None

    def changed(self) -> frozenset[str]:
        """Return the names of what is changed.

        >>> sorted(Changes(ranking="equal", diversity=0.0).changed())
        ['diversity', 'ranking']
        """
        return frozenset(name for name in self.__struct_fields__ if getattr(self, name) is not None)


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the alternatives; its share of the users is its weight of the sum of all weights."""

    name: Name
    weight: Annotated[float, msgspec.Meta(ge=1e-6, le=1e6)] = 1.0
    changes: Changes = Changes()


class Guardrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Metric that no variant may lower by more than a share of the control's.

    Attributes
    ----------
    max_drop
        Relative, 0 to 1.
    """

    metric: Metric
    max_drop: Share


Variants = Annotated[tuple[Variant, ...], msgspec.Meta(min_length=2, max_length=MAX_VARIANTS)]
Slice = tuple[Percent, Percent]
Audience = dict[
    Annotated[str, msgspec.Meta(min_length=1, max_length=256)],
    Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=MAX_VALUES)],
]
Guardrails = Annotated[tuple[Guardrail, ...], msgspec.Meta(max_length=20)]
Alpha = Annotated[float, msgspec.Meta(ge=1e-6, lt=0.5)]  # of less, shared out, 1 - alpha would be 1
PlannedUsers = Annotated[int, msgspec.Meta(ge=100, le=2**53)]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Verdict(msgspec.Struct, frozen=True):
    """Decision that the results call for, the variant that it is about, and the reason."""

    decision: Literal["ship", "roll back", "keep running"]
    variant: str
    reason: str


class Experiment(msgspec.Struct, frozen=True):
    """A whole experiment, as one document of the store has it.

    Attributes
    ----------
    version
        1 when it was created, one more with each change: an editor names the one that was read.
    era
        The version with which the present era began: outcomes of earlier ones count no more, because users,
        variants or times have changed. An exposure is of this era when its version is not below it.
    layer
        A user is in one experiment of a layer at most; layers are independent.
    slice
        Part of the layer's users, in percent, from the first up to but without the second. Slices of
        experiments that run in one layer do not overlap.
    ramp
        Percent of the slice's users that take part; raising it moves nobody between variants.
    audience
        User attribute -> values of which a user has one; all attributes must fit. Empty: everybody.
    control
        Name of the variant with which the others are compared.
    window_s
        An event is attributed to an exposure at most so many seconds before it.
    outcome_s
        A user's outcome is what happened in so many seconds after the first exposure.
    alpha
        Accepted probability of a false alarm, over all looks at the results.
    planned_users
        Users of all variants that the experiment is planned for: its sequences are narrowest there, and the
        group-sequential test looks at each quarter of them. None: nobody planned, and there is no such test.
    created_at, changed_at, stopped_at
        Unix seconds.
    challenger
        Generation that `challenger` stands for in this era; None where no variant names it, or it never ran.
    stopped_by
        ``"admin"``, or ``"guardrail"`` where a guardrail's metric did it.
    """

    id: Name
    version: Version
    variants: Variants
    control: Name
    primary: Metric
    era: Version = 1
    layer: Name = "default"
    slice: Slice = (0.0, 100.0)
    state: State = "draft"
    ramp: Percent = 100.0
    audience: Audience = {}
    design: Design = "ab"
    guardrails: Guardrails = ()
    window_s: Seconds = 1800.0
    outcome_s: Seconds = 86400.0
    alpha: Alpha = 0.05
    planned_users: PlannedUsers | None = None
    created_at: float = 0.0
    changed_at: float = 0.0
    stopped_at: float | None = None
    stopped_by: Text | None = None
    reason: Text | None = None
    verdict: Verdict | None = None
    challenger: Text | None = None

    @property
    def has_challenger(self) -> bool:
        """Whether a variant is answered by the challenger."""
        return any(variant.changes.generation == "challenger" for variant in self.variants)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variants, in order."""
        return tuple(variant.name for variant in self.variants)

    def changed(self) -> frozenset[str]:
        """Return the names of what any of the variants changes."""
        return frozenset[str]().union(*(variant.changes.changed() for variant in self.variants))


_decode: Callable[[bytes], Experiment] = msgspec.json.Decoder(Experiment).decode
encode_experiment = msgspec.json.Encoder().encode


def checked(experiment: Experiment) -> Experiment:
    """Return an experiment whose parts fit each other.

    Raises
    ------
    InvalidInput
        Naming what does not, and how to mend it.

    >>> two = (Variant("a"), Variant("b"))
    >>> checked(Experiment("x", 1, two, "a", "ctr")).names
    ('a', 'b')
    >>> checked(Experiment("x", 1, two, "c", "ctr"))
    Traceback (most recent call last):
    streamrec.errors.InvalidInput: control 'c' is none of the variants: a, b
    """
    names, weights = experiment.names, [variant.weight for variant in experiment.variants]
    if len(set(names)) < len(names):
        raise InvalidInput(f"two variants have one name: {', '.join(names)}")
    if INTERLEAVED in names:
        raise InvalidInput(f"a variant can't be called {INTERLEAVED!r}: choose another name")
    if experiment.control not in names:
        raise InvalidInput(f"control {experiment.control!r} is none of the variants: {', '.join(names)}")
    first, end = experiment.slice
    if not first < end:
        raise InvalidInput(f"slice {first:g} to {end:g}: the first must be less than the second")
    numbers = [*weights, first, end, experiment.ramp, experiment.window_s, experiment.outcome_s]
    if not all(map(math.isfinite, numbers)):
        raise InvalidInput("weights, slice, ramp and seconds must be finite numbers")
    return experiment


def decode_experiment(payload: bytes) -> Experiment:
    """Read a definition as a store has it; fields that this version does not know are passed over.

    Raises
    ------
    Damaged
        When it is none, or its parts do not fit each other.
    """
    if len(payload) > MAX_DEFINITION_BYTES:
        raise Damaged(f"{len(payload)} bytes; a definition has at most {MAX_DEFINITION_BYTES}")
    try:
        return checked(decoded(_decode, payload))
    except InvalidInput as error:
        raise Damaged(str(error)) from error
