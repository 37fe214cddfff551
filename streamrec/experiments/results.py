"""Results of an experiment: from sums and counts to the report that people and servers read."""

from collections.abc import Sequence
from typing import get_args

from streamrec.domain.experiments.definition import INTERLEAVED, Experiment, Metric
from streamrec.domain.experiments.outcomes import ExperimentOutcomes, Moments, Preferences, VariantOutcomes
from streamrec.domain.experiments.report import (
    Comparison,
    ExperimentResults,
    Funnel,
    GuardrailReport,
    MetricReport,
    SampleRatio,
    VariantReport,
)
from streamrec.experiments.comparisons import Rules, compared, guarded
from streamrec.experiments.preferences import interleaving_of
from streamrec.experiments.statistics.means import mean_interval
from streamrec.experiments.statistics.sample_ratio import ALARM, sequential_p_value
from streamrec.experiments.verdict import Findings, verdict_of


def results_of(
    experiment: Experiment,
    outcomes: ExperimentOutcomes,
    at: float,
    previous: ExperimentResults | None = None,
) -> ExperimentResults:
    """Return the report of what was counted in the present era.

    The false alarms that are accepted are shared out evenly among the variants that are compared
    (Bonferroni), so that an interval that leaves 0 and a significant p-value always go together.

    Parameters
    ----------
    at
        Unix seconds.
    previous
        The report before, which has the history of each sequence; one of another era counts for nothing.

    Raises
    ------
    InvalidInput
        When sums are no sums of finite numbers.
    """
    names = (INTERLEAVED,) if experiment.design == "interleaved" else experiment.names
    by_name = {name: outcomes.variants.get(name, VariantOutcomes()) for name in names}
    history = previous.comparisons if previous is not None and previous.era == experiment.era else ()
    comparisons, guardrails = _compared_with_control(experiment, by_name, at, history)
    findings = Findings(
        variants=[_variant(experiment, name, one) for name, one in by_name.items()],
        comparisons=[one for one in comparisons if one.metric == experiment.primary],
        guardrails=guardrails,
        sample_ratio=_sample_ratio(experiment, by_name),
        n_multiple_exposed=outcomes.n_multiple_exposed,
        interleaving=interleaving_of(experiment, outcomes.preferences or Preferences())
        if experiment.design == "interleaved"
        else None,
    )
    return ExperimentResults(
        at=at,
        era=experiment.era,
        users=sum(one.n_users for one in by_name.values()),
        exposures=sum(one.n_exposures for one in by_name.values()),
        variants=list(findings.variants),
        comparisons=comparisons,
        sample_ratio=findings.sample_ratio,
        n_multiple_exposed=findings.n_multiple_exposed,
        interleaving=findings.interleaving,
        funnel={
            name: Funnel(one.n_impressions, one.n_clicks, one.n_purchases) for name, one in by_name.items()
        },
        guardrails=guardrails,
        verdict=verdict_of(experiment, findings),
    )


def _compared_with_control(
    experiment: Experiment,
    by_name: dict[str, VariantOutcomes],
    at: float,
    history: Sequence[Comparison],
) -> tuple[list[Comparison], list[GuardrailReport]]:
    if experiment.design == "interleaved":
        return [], []
    control = by_name[experiment.control]
    others = {name: one for name, one in by_name.items() if name != experiment.control}
    rules = Rules(experiment.alpha / len(others), _planned(experiment), at)
    before = {(one.variant, one.metric): one for one in history}
    comparisons = [
        compared(
            (_moments(control, metric), _moments(one, metric)),
            before.get((name, metric), Comparison(variant=name, metric=metric)),
            rules,
        )
        for name, one in others.items()
        for metric in _metrics(experiment, by_name)
    ]
    strict = rules._replace(alpha=rules.alpha / max(1, len(experiment.guardrails)))
    guardrails = [
        guarded(
            name, guardrail, (_moments(control, guardrail.metric), _moments(one, guardrail.metric)), strict
        )
        for guardrail in experiment.guardrails
        for name, one in others.items()
    ]
    return comparisons, guardrails


def _planned(experiment: Experiment) -> dict[str, int]:
    """Return by variant how many users are planned for it and the control together; empty: nobody planned."""
    if experiment.planned_users is None:
        return {}
    weights = {one.name: one.weight for one in experiment.variants}
    share = experiment.planned_users / sum(weights.values())
    of_control = weights.pop(experiment.control)
    return {name: max(1, round(share * (of_control + weight))) for name, weight in weights.items()}


def _metrics(experiment: Experiment, by_name: dict[str, VariantOutcomes]) -> list[str]:
    """Return the primary metric, those of the guardrails, and whatever else was counted, each once."""
    counted = {metric for one in by_name.values() for metric in one.metrics}
    known = [metric for metric in get_args(Metric) if metric in counted]
    return list(dict.fromkeys([experiment.primary, *(one.metric for one in experiment.guardrails), *known]))


def _moments(outcomes: VariantOutcomes, metric: str) -> Moments:
    return outcomes.metrics.get(metric, Moments())


def _variant(experiment: Experiment, name: str, outcomes: VariantOutcomes) -> VariantReport:
    metrics = {}
    for metric in _metrics(experiment, {name: outcomes}):
        sums = _moments(outcomes, metric)
        mean = sums.sum_x / sums.n if sums.n else None
        metrics[metric] = MetricReport(sums.n, mean, mean_interval(sums, experiment.alpha))
    return VariantReport(name, outcomes.n_users, outcomes.n_exposures, metrics)


def _sample_ratio(experiment: Experiment, by_name: dict[str, VariantOutcomes]) -> SampleRatio:
    if experiment.design == "interleaved":
        return SampleRatio(1.0, alarm=False)
    counts = [by_name[variant.name].n_users for variant in experiment.variants]
    p_value = sequential_p_value(counts, [variant.weight for variant in experiment.variants])
    return SampleRatio(p_value, alarm=p_value < ALARM)
