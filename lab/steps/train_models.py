"""Step `train-models`: all configured models, fitted on the training and the validation part."""

from typing import Any

import msgspec

from lab.steps.step import Outcome, Step, StepRun


def _run(run: StepRun) -> Outcome:
    from lab.training.split_data import joined, split_of, unnamed_types
    from lab.training.training import WEIGHTS_FILE, Training, tell_costs

    split = split_of(run.inputs["data"], run.settings)
    for name, n_events in unnamed_types(joined(split), run.settings).items():
        run.say(f"{n_events:,} events of type {name} do not count: models.weights does not name it")
    training = Training(split, run.settings, run.output)
    trained = []
    with run.bar("Training models", len(training.names)) as advance:
        for number, name in enumerate(training.names, 1):
            trained.append(training.train(name))
            advance(number)
    training.clean_up()
    metrics: dict[str, Any] = {"models": tell_costs(trained, run.say)}
    weights = run.output / WEIGHTS_FILE
    if weights.is_file():
        metrics["hybrid_weights"] = msgspec.json.decode(weights.read_bytes())
    return Outcome(metrics)


TRAIN_MODELS = Step(
    name="train-models",
    title="Train models; time and peak memory of each are shown.",
    output="models",
    sections=("split", "models"),
    run=_run,
    inputs=("data",),
)
