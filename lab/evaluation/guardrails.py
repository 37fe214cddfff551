"""Guardrails: bounds that lists must keep, whatever their accuracy."""

from collections.abc import Sequence

from lab.evaluation.judgement import Judgement


def broken_guardrails(
    judgement: Judgement, control: str, min_coverage: float, min_diversity: float, k: int
) -> Sequence[str]:
    """Return a line for each bound that a model breaks; the control may break any.

    Parameters
    ----------
    min_coverage, min_diversity
        Least share of the catalogue that is on any list, and least mean of `category_diversity`, both at k.
    """
    found = []
    for name, judged in judgement.models.items():
        if name == control:
            continue
        coverage = judged.catalog_coverage[str(k)]
        diversity = judged.metrics[f"category_diversity_at_{k}"].mean
        for what, value, least in (
            ("catalog_coverage", coverage, min_coverage),
            ("category_diversity", diversity, min_diversity),
        ):
            if value < least:
                found.append(f"guardrail: {what}_at_{k} of {name} is {value:.4f}, below {least:g}")
    return found
