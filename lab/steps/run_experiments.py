"""Step `run-experiments`: an A/B/n test and a multileaved one, on users who click by the shop's truth."""

import msgspec

from lab.steps.generate_data import GENERATOR
from lab.steps.step import Outcome, Step, StepRun

REPORT = "report.json"


def _run(run: StepRun) -> Outcome:
    if run.settings.data.dataset != GENERATOR:
        reason = f"nobody knows what users of {run.settings.data.dataset} would have clicked: data.dataset"
        run.say(f"no experiments: {reason} must be {GENERATOR!r}")
        (run.output / REPORT).write_bytes(msgspec.json.encode({"skipped": reason}))
        return Outcome({"skipped": reason})

    from lab.experiments.simulation import simulation

    settings = run.settings.experiments
    report = simulation(run.inputs["recommendations"], run.settings.generator, settings)
    (run.output / REPORT).write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    for test in report.ab.tests:
        uplift = "" if test.relative_uplift is None else f" {test.relative_uplift:+.1%}"
        stars = " (significant)" if test.is_significant else ""
        run.say(f"{test.metric} of {test.variant}:{uplift}, p = {test.p_value:.2g}{stars}")
    for preference in report.multileaving.tests:
        rate = preference.win_rate
        who = "nobody prefers" if rate is None else f"{rate:.1%} of the users prefer"
        run.say(f"{who} {preference.variant} in mixed lists, p = {preference.p_value:.2g}")
    findings = []
    if report.ab.sample_ratio_alarm:
        p_value = report.ab.sample_ratio_p_value
        findings.append(f"variants do not have as many users as they should: p = {p_value:.1e}")
    return Outcome(msgspec.to_builtins(report), findings)


RUN_EXPERIMENTS = Step(
    name="run-experiments",
    title="Simulate an A/B/n test and a multileaved one on the batch lists (experiments).",
    output="experiments",
    sections=("data", "generator", "experiments"),
    run=_run,
    inputs=("data", "recommendations"),
)
