"""Verdict of an experiment: ship, roll back or keep running, and the reason in words."""

from collections.abc import Sequence
from typing import NamedTuple

from streamrec.domain.experiments.definition import Experiment, Verdict
from streamrec.domain.experiments.report import (
    Comparison,
    GuardrailReport,
    InterleavingReport,
    SampleRatio,
    VariantReport,
)
from streamrec.experiments.statistics.sample_ratio import ALARM
from streamrec.experiments.statistics.sequences import LEAST_USERS

MAX_MULTIPLE_EXPOSED = 0.01
"""Share of the users who may have seen several variants; of more, nothing is decided."""


class Findings(NamedTuple):
    """Grounds of a verdict; `comparisons` are those in the primary metric."""

    variants: Sequence[VariantReport]
    comparisons: Sequence[Comparison]
    guardrails: Sequence[GuardrailReport]
    sample_ratio: SampleRatio
    n_multiple_exposed: int
    interleaving: InterleavingReport | None


def verdict_of(experiment: Experiment, findings: Findings) -> Verdict:
    """Return what is to be done.

    What makes figures worthless comes first, then what harms, then what was hoped for. A variant ships only
    by what is valid at any time of reading.
    """
    if findings.sample_ratio.alarm:
        return _waiting(
            experiment,
            findings,
            f"the variants do not have users by their weights (p = {findings.sample_ratio.p_value:.1e}, alarm"
            f" below {ALARM}): users get lost on one side, and no figure holds until that is mended",
        )
    broken = [one for one in findings.guardrails if one.state == "broken"]
    if broken:
        worst = broken[0]
        drop = next(one.max_drop for one in experiment.guardrails if one.metric == worst.metric)
        reason = f"{worst.metric} is more than {drop:.1%} below that of {experiment.control}"
        return Verdict("roll back", worst.variant, reason)
    hindrance = _hindrance(experiment, findings)
    if hindrance:
        return _waiting(experiment, findings, hindrance)
    if findings.interleaving is not None:
        return _by_preference(experiment, findings.interleaving)
    return _by_uplift(experiment, findings)


def _hindrance(experiment: Experiment, findings: Findings) -> str | None:
    """Return why nothing can be decided yet; None when something can."""
    n_users = sum(one.n_users for one in findings.variants)
    share = findings.n_multiple_exposed / max(1, n_users + findings.n_multiple_exposed)
    if share > MAX_MULTIPLE_EXPOSED:
        return (
            f"{share:.1%} of the users were shown several variants, and are left out: is the assignment the"
            f" same in all servers?"
        )
    empty = [one.name for one in findings.variants if not one.n_users]
    if empty:
        return f"nobody was shown {', '.join(empty)}: does the experiment run, and are exposures written?"
    if findings.interleaving is not None:
        return None
    few = [
        f"{one.name} has {n}"
        for one in findings.variants
        if (n := one.metrics[experiment.primary].n) < LEAST_USERS
    ]
    if few:
        return (
            f"fewer than {LEAST_USERS} users have a complete outcome ({', '.join(few)}): an outcome is"
            f" complete {experiment.outcome_s:g} s after the first exposure"
        )
    return None


def _by_uplift(experiment: Experiment, findings: Findings) -> Verdict:
    significant = [one for one in findings.comparisons if one.is_significant]
    best = max(significant, key=_uplift, default=None)
    if best is not None and _uplift(best) > 0:
        return Verdict("ship", best.variant, _in_words(experiment, best))
    worst = min(significant, key=_uplift, default=None)
    if worst is not None:
        return Verdict("roll back", worst.variant, _in_words(experiment, worst))
    leading = _leading(experiment, findings)
    found = next(one for one in findings.comparisons if one.variant == leading)
    if found.uplift is None or found.detectable is None:
        reason = f"{experiment.primary} does not differ between any two users of the variants"
        return Verdict("keep running", leading, reason)
    return Verdict(
        "keep running",
        leading,
        f"no difference in {experiment.primary} is proved: {_in_words(experiment, found)}; so many users"
        f" find one of {found.detectable:.3g} or more",
    )


def _by_preference(experiment: Experiment, found: InterleavingReport) -> Verdict:
    if found.win_rate is None or found.credit_uplift is None or found.credit_interval is None:
        reason = f"fewer than {LEAST_USERS} users have clicked on mixed lists"
        return Verdict("keep running", found.variant, reason)
    low, high = found.credit_interval
    reason = (
        f"users give {found.variant} {found.credit_uplift:+.3g} clicks ({low:+.3g} to {high:+.3g}) more than"
        f" {experiment.control}, and {found.win_rate:.1%} of those with a preference prefer it"
    )
    if not found.is_significant:
        return Verdict("keep running", found.variant, f"no preference is proved: {reason}")
    return Verdict("ship" if found.credit_uplift > 0 else "roll back", found.variant, reason)


def _waiting(experiment: Experiment, findings: Findings, reason: str) -> Verdict:
    return Verdict("keep running", _leading(experiment, findings), reason)


def _leading(experiment: Experiment, findings: Findings) -> str:
    """Return the variant that stands best so far; the first besides the control where none has figures."""
    best = max(findings.comparisons, key=_uplift, default=None)
    if best is not None:
        return best.variant
    return next(name for name in experiment.names if name != experiment.control)


def _uplift(comparison: Comparison) -> float:
    return 0.0 if comparison.uplift is None else comparison.uplift


def _in_words(experiment: Experiment, found: Comparison) -> str:
    low, high = found.confidence_sequence or (float("-inf"), float("inf"))
    relative = "" if found.relative_uplift is None else f", {found.relative_uplift:+.1%}"
    return (
        f"{found.metric} of {found.variant} less that of {experiment.control} is"
        f" {_uplift(found):+.3g}{relative} (between {low:+.3g} and {high:+.3g} at any time of reading)"
    )
