"""Assignment of users to the variants of experiments: by hashes alone, so that nothing has to be kept.

Three hashes of a user's id decide, each keyed by another name: the layer's, which says in whose slice the
user stands; the experiment's for the ramp; and the experiment's for the variant. They are independent of each
other, the same in every process and after every restart, and depend on no version of a definition.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from streamrec.domain.experiments.definition import INTERLEAVED, Changes, Experiment

_STEPS = 1 << 64
_KEY_BYTES = 32


class Assignment(NamedTuple):
    """An experiment that a user is in, and the position of the user's variant; None: all are interleaved."""

    experiment: Experiment
    position: int | None

    @property
    def variant(self) -> str:
        """Name of the variant, as exposures have it."""
        return INTERLEAVED if self.position is None else self.experiment.variants[self.position].name


def hasher(purpose: str, name: str) -> Callable[[str], float]:
    """Return a function from ids to points of [0, 1), evenly spread and independent of other names'.

    >>> point = hasher("layer", "default")
    >>> point("u1") == hasher("layer", "default")("u1")
    True
    """
    key = hashlib.blake2b(f"{purpose}\0{name}".encode(), digest_size=_KEY_BYTES).digest()
    keyed = hashlib.blake2b(key=key, digest_size=8)

    def point(user_id: str) -> float:
        one = keyed.copy()
        one.update(user_id.encode("utf-8", "surrogatepass"))
        return (int.from_bytes(one.digest(), "big") >> 11) / (_STEPS >> 11)

    return point


class Arm:
    """One running experiment with its hashes."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self._ramp_point = hasher("ramp", experiment.id)
        self._variant_point = hasher("variant", experiment.id)
        weights = list(accumulate(variant.weight for variant in experiment.variants))
        self._bounds = [weight / weights[-1] for weight in weights[:-1]]
        self._audience = [(name, frozenset(values)) for name, values in experiment.audience.items()]
        self._first, self._end = (bound / 100 for bound in experiment.slice)
        self._ramp = experiment.ramp / 100

    @property
    def has_audience(self) -> bool:
        """Whether attributes of the user decide, too."""
        return bool(self._audience)

    def has_in_slice(self, layer_point: float) -> bool:
        """Return whether a user at a point of the layer stands in the slice."""
        return self._first <= layer_point < self._end

    def assigned(self, user_id: str, attributes: Mapping[str, Any]) -> Assignment | None:
        """Return the user's assignment; None for one who does not take part."""
        if self._ramp_point(user_id) >= self._ramp:
            return None
        if not all(_has_one(attributes.get(name), values) for name, values in self._audience):
            return None
        if self.experiment.design == INTERLEAVED:
            return Assignment(self.experiment, None)
        return Assignment(self.experiment, bisect_right(self._bounds, self._variant_point(user_id)))


class Assigner:
    """Assigns users among the running experiments of a list; the others are passed over.

    Where slices of one layer overlap, or layers change the same, which no editor lets pass, the first by id
    has the user.
    """

    def __init__(self, experiments: Iterable[Experiment] = ()) -> None:
        running = sorted((one for one in experiments if one.state == "running"), key=lambda one: one.id)
        layers: dict[str, list[Arm]] = {}
        for experiment in running:
            layers.setdefault(experiment.layer, []).append(Arm(experiment))
        self._layers = [(hasher("layer", name), arms) for name, arms in layers.items()]
        self._has_audience = any(arm.has_audience for arms in layers.values() for arm in arms)

    @property
    def is_idle(self) -> bool:
        """Whether no experiment runs."""
        return not self._layers

    @property
    def has_audience(self) -> bool:
        """Whether an assignment goes by attributes."""
        return self._has_audience

    def assigned(self, user_id: str, attributes: Mapping[str, Any]) -> list[Assignment]:
        """Return the experiments that a user is in, one of a layer at most."""
        found: list[Assignment] = []
        claimed: set[str] = set()
        for point_of, arms in self._layers:
            point = point_of(user_id)
            arm = next((arm for arm in arms if arm.has_in_slice(point)), None)
            one = None if arm is None else arm.assigned(user_id, attributes)
            if one is None:
                continue
            claims = one.experiment.changed()
            if one.position is None:
                claims |= {INTERLEAVED}
            if not claims & claimed:
                claimed |= claims
                found.append(one)
        return found


def merged(changes: Iterable[Changes]) -> Changes:
    """Return all changes together; of two that change the same, the first counts.

    >>> merged([Changes(diversity=0.5), Changes(ranking="equal", diversity=0.1)])
    Changes(sources=None, ranking='equal', diversity=0.5, exploration=None, generation=None, batch=None)
    """
    together: dict[str, Any] = {}
    for one in changes:
        for name in one.changed():
            together.setdefault(name, getattr(one, name))
    return Changes() if not together else msgspec.structs.replace(Changes(), **together)


def _has_one(value: object, values: frozenset[str]) -> bool:
    """Return whether an attribute has one of some values; a list has all that stand in it.

    >>> _has_one(["a", 2], frozenset({"2"})), _has_one(True, frozenset({"true"})), _has_one(None, frozenset())
    (True, True, False)
    """
    if isinstance(value, list | tuple):
        return any(_has_one(part, values) for part in value)
    if isinstance(value, bool):
        return ("true" if value else "false") in values
    if isinstance(value, float) and value.is_integer():
        return str(int(value)) in values
    return isinstance(value, str | int | float) and str(value) in values
