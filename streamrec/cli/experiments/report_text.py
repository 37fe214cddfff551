"""Results of an experiment as lines of text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def report_lines(told: Mapping[str, Any]) -> list[str]:
    """Return what `GET /v1/experiments/{experiment_id}` tells, for people."""
    return list(_lines(told["definition"], told["results"]))


def _lines(definition: Mapping[str, Any], results: Mapping[str, Any] | None) -> Iterator[str]:
    state = definition["state"]
    if definition["stopped_by"]:
        state += f" by {definition['stopped_by']}"
    yield f"{definition['id']}: {state}, {definition['ramp']:g} % of layer {definition['layer']}"
    if definition["reason"]:
        yield f"  {definition['reason']}"
    if results is None:
        yield "No results yet: they come with the first users, from the process that attributes events"
        return
    yield from _figures(results, definition["control"])
    yield from _checks(results)
    if verdict := results.get("verdict"):
        yield f"{verdict['decision']}: {verdict['variant']}, {verdict['reason']}"


def _figures(results: Mapping[str, Any], control: str) -> Iterator[str]:
    for variant in results.get("variants", ()):
        yield f"  {variant['name']}: {variant['n_users']:,} users, {variant['n_exposures']:,} lists"
        for metric, value in variant.get("metrics", {}).items():
            yield f"    {metric} {_number(value['mean'])}{_interval(value.get('interval'))}"
    for one in results.get("comparisons", ()):
        mark = "significant" if one.get("is_significant") else "not decided"
        yield (
            f"  {one['variant']} beside {control}, {one['metric']}:"
            f" {_number(one.get('uplift'))}{_interval(one.get('confidence_sequence'))}, {mark}"
        )


def _checks(results: Mapping[str, Any]) -> Iterator[str]:
    for guardrail in results.get("guardrails", ()):
        yield f"  guardrail {guardrail['metric']} of {guardrail['variant']}: {guardrail['state']}"
    ratio = results.get("sample_ratio") or {}
    if ratio.get("alarm"):
        yield f"  The variants' shares are not those of the weights (p = {_number(ratio.get('p_value'))})"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.5g}"


def _interval(bounds: Sequence[float | None] | None) -> str:
    return "" if not bounds else f" [{', '.join(map(_number, bounds))}]"
