"""Step `generate-recommendations`: each user's list by each model."""

from lab.steps.step import Outcome, Step, StepRun


def _run(run: StepRun) -> Outcome:
    from lab.training.batch_lists import BatchLists

    lists = BatchLists(run.inputs["models"], run.settings, run.output)
    metrics = {}
    with run.bar("Making lists", len(lists.names)) as advance:
        for number, name in enumerate(lists.names, 1):
            metrics[name] = lists.write(name)
            advance(number)
    lists.write_fallback()
    for name, of_model in metrics.items():
        run.say(f"{name}: {of_model['n_lists']:,} lists in {of_model['wall_s']:.1f} s")
    return Outcome({"lists": metrics})


GENERATE_RECOMMENDATIONS = Step(
    name="generate-recommendations",
    title="Make each user's list by each model (recommendations.k).",
    output="recommendations",
    sections=("recommendations",),
    run=_run,
    inputs=("models",),
)
