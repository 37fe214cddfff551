"""Step `tune-als`: settings of ALS that are best on the validation part."""

import msgspec

from lab.steps.step import Outcome, Step, StepRun

RESULT = "als.json"


def _run(run: StepRun) -> Outcome:
    from lab.training.split_data import split_of
    from lab.training.tuning import tuned_als

    split = split_of(run.inputs["data"], run.settings)
    with run.bar("Trying settings", run.settings.tuning.n_settings) as advance:
        tuned = tuned_als(split, run.settings, advance)
    (run.output / RESULT).write_bytes(msgspec.json.format(msgspec.json.encode(tuned), indent=2))
    best = tuned.tried[0]
    run.say(f"NDCG@10 {best.ndcg:.4f} [{best.low:.4f}, {best.high:.4f}] with: {best.options()}")
    return Outcome({"n_users": tuned.n_users, "best": best})


TUNE_ALS = Step(
    name="tune-als",
    title="Try settings of ALS on the validation part, and tell the best (tuning.n_settings).",
    output="tuning",
    sections=("split", "models.products_only", "models.weights", "models.als", "tuning"),
    run=_run,
    inputs=("data",),
)
