"""Sections of `lab.toml` about the split, features, batch lists, evaluation and experiments."""

import msgspec

from lab.configuration.bounds import Count, CountOrNone, InnerShare, NotNegative, Positive, Share


class SplitSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Cut of the data by time: training, then validation, then test.

    Attributes
    ----------
    validation, test
        Shares of the events, the newest ones; what is left is the training part.
    """

    validation: Share = 0.1
    test: InnerShare = 0.1

    def __post_init__(self) -> None:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation is {self.validation}, test {self.test}: nothing is left to train on"
            )


class FeaturesSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Features of users and items.

    Attributes
    ----------
    windows_days
        Lengths of the time before a moment in which events are counted.
    half_life_days
        After which an event weighs half in what fades.
    snapshot_days
        Days from one moment for which features are written to the next.
    """

    windows_days: list[Count] = msgspec.field(default_factory=lambda: [7, 30, 90])
    half_life_days: Positive = 30.0
    snapshot_days: Count = 30

    def __post_init__(self) -> None:
        if sorted(set(self.windows_days)) != self.windows_days:
            raise ValueError(f"windows_days is {self.windows_days}; wanted rising numbers, each once")


class RecommendationsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Batch lists.

    Attributes
    ----------
    k
        Length of each user's list.
    models
        Models that lists are made of; empty: all trained ones.
    """

    k: Count = 20
    models: list[str] = []


class SegmentsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds between users: of fewer training events than `light` is new, than `heavy` light, else heavy."""

    light: Count = 3
    heavy: Count = 20

    def __post_init__(self) -> None:
        if self.light >= self.heavy:
            raise ValueError(f"light is {self.light}, heavy {self.heavy}; wanted a larger number for heavy")


class EvaluationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Judgement of models on the test part.

    Attributes
    ----------
    k
        Lengths of lists at which metrics are taken.
    control_model
        Model that guardrails exempt, and that others are compared with.
    min_coverage, min_diversity
        Guardrails; a model below either is flagged.
    n_bootstrap, alpha, seed
        Resamples, level and seed of intervals and paired tests.
    segments
        See `SegmentsSection`.
    """

    k: list[Count] = msgspec.field(default_factory=lambda: [10, 20])
    control_model: str = "popularity"
    min_coverage: Share = 0.05
    min_diversity: Share = 0.3
    n_bootstrap: Count = 1_000
    alpha: InnerShare = 0.05
    seed: CountOrNone = 42
    segments: SegmentsSection = SegmentsSection()

    def __post_init__(self) -> None:
        if not self.k:
            raise ValueError("k is empty; wanted at least one length")


class ExperimentsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Simulated experiments on batch lists.

    Attributes
    ----------
    control_model
        Model that the others are compared with.
    variants
        Models that take part; empty: all that have lists.
    alpha
        Level of the tests, after Holm's correction.
    power
        For which the minimum detectable effect is told.
    n_users
        Users that take part in A/B/n, drawn from those with lists.
    interleaving_k, interleaving_n_users
        Length of interleaved lists, and users who get them.
    position_bias
        Chance that position r is looked at is r^-position_bias.
    noise
        Share of clicks that have nothing to do with affinity.
    seed
        Of assignment and clicks.
    """

    control_model: str = "popularity"
    variants: list[str] = []
    alpha: InnerShare = 0.05
    power: InnerShare = 0.8
    n_users: Count = 20_000
    interleaving_k: Count = 20
    interleaving_n_users: Count = 200
    position_bias: NotNegative = 1.0
    noise: Share = 0.02
    seed: CountOrNone = 42
