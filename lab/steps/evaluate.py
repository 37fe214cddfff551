"""Step `evaluate`: all models' lists against what users chose in the test part."""

from typing import TYPE_CHECKING

import msgspec

from lab.steps.step import Outcome, Step, StepRun
from streamrec.errors import InvalidInput

if TYPE_CHECKING:
    from lab.evaluation.judgement import Judgement

RESULT = "judgement.json"


def _run(run: StepRun) -> Outcome:
    from lab.evaluation.guardrails import broken_guardrails

    settings = run.settings.evaluation
    judgement = _judged(run)
    (run.output / RESULT).write_bytes(msgspec.json.format(msgspec.json.encode(judgement), indent=2))
    shortest = min(settings.k)
    metric = f"ndcg_at_{shortest}"
    for name, judged in sorted(judgement.models.items(), key=lambda pair: -pair[1].metrics[metric].mean):
        ndcg = judged.metrics[metric]
        run.say(f"{name}: NDCG@{shortest} {ndcg.mean:.4f} [{ndcg.low:.4f}, {ndcg.high:.4f}]")
    findings = broken_guardrails(
        judgement, settings.control_model, settings.min_coverage, settings.min_diversity, shortest
    )
    metrics = {
        name: {metric: interval.mean for metric, interval in judged.metrics.items()}
        for name, judged in judgement.models.items()
    }
    return Outcome({"n_users": judgement.n_users, "models": metrics}, findings)


def _judged(run: StepRun) -> "Judgement":
    from lab.evaluation.judgement import Bounds, judge
    from lab.evaluation.lists_in_files import lists_in
    from lab.evaluation.truth import truth_of
    from lab.training.batch_lists import FALLBACK, lists_file
    from lab.training.split_data import joined, rules_of, split_of

    settings = run.settings.evaluation
    split = split_of(run.inputs["data"], run.settings)
    truth = truth_of(joined(split), split.test, split.training.catalog, rules_of(run.settings))
    folder = run.inputs["recommendations"]
    names = sorted(path.stem for path in folder.glob("*.parquet") if path.stem != FALLBACK)
    if settings.control_model not in names:
        raise InvalidInput(
            f"evaluation.control_model is {settings.control_model}; there are lists of {', '.join(names)}"
        )
    k, fallback = max(settings.k), lists_file(folder, FALLBACK)
    lists = {}
    with run.bar("Reading lists", len(names)) as advance:
        for number, name in enumerate(names, 1):
            lists[name] = lists_in(lists_file(folder, name), fallback, truth, k)
            advance(number)
    longest = max(one.longest for one in lists.values())
    if longest < k:
        raise InvalidInput(
            f"evaluation.k goes up to {k}, and the longest list has {longest} items: lower it, or make longer"
            " lists with recommendations.k"
        )
    bounds = Bounds(
        tuple(sorted(settings.k)),
        settings.segments.light,
        settings.segments.heavy,
        settings.n_bootstrap,
        settings.alpha,
        settings.seed,
    )
    columns = {name: one.columns for name, one in lists.items()}
    n_without = {name: one.n_without for name, one in lists.items()}
    return judge(truth, columns, n_without, bounds)


EVALUATE = Step(
    name="evaluate",
    title="Judge all lists by what users chose in the test part; --strict fails on broken guardrails.",
    output="evaluation",
    sections=("split", "models.products_only", "models.weights", "evaluation"),
    run=_run,
    inputs=("data", "recommendations"),
)
