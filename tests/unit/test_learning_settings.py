import pytest
from pydantic import ValidationError

from streamrec.settings.processes import LearningSettings, TrainerSettings


@pytest.mark.parametrize("weight", ["101", "-100.5", "NaN", "Infinity", "-Infinity", "1e308"])
@pytest.mark.parametrize("name", ["event_weights", "default_event_weight"])
def test_weights_out_of_the_way_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, weight: str
) -> None:
    given = f'{{"view": {weight}}}' if name == "event_weights" else weight
    monkeypatch.setenv(f"STREAMREC_TRAINER_{name.upper()}", given)
    with pytest.raises(ValidationError, match=name):
        TrainerSettings()


@pytest.mark.parametrize("weight", [100.0, -100.0, 0.0])
def test_weights_at_their_limits_are_taken(weight: float) -> None:
    settings = TrainerSettings(event_weights={"view": weight}, default_event_weight=weight)
    assert settings.event_weights["view"] == settings.default_event_weight == weight


@pytest.mark.parametrize("name", ["user_rate", "item_rate", "bias_rate", "past_rate"])
@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "1001"])
def test_rates_are_finite_and_positive(monkeypatch: pytest.MonkeyPatch, name: str, rate: str) -> None:
    monkeypatch.setenv(f"STREAMREC_LEARNING_{name.upper()}", rate)
    with pytest.raises(ValidationError, match=name):
        LearningSettings()


@pytest.mark.parametrize(
    "name",
    ["decay", "init_std", "least_drift"],
)
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1000"])
def test_all_else_that_steps_are_made_of_is_bounded(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"STREAMREC_LEARNING_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        LearningSettings()


def test_settings_of_before_count_as_far_as_they_mean_the_same() -> None:
    before = {"embedding_dim": 8, "user_rate": 1.0, "n_context": 2, "n_negatives": 30, "seed": 7}
    found = LearningSettings.recorded(before)
    assert (found.embedding_dim, found.n_negatives, found.seed) == (8, 30, 7)
    assert (found.user_rate, found.n_context) == (LearningSettings().user_rate, LearningSettings().n_context)
    recorded = LearningSettings(user_rate=0.5)
    assert LearningSettings.recorded(recorded.model_dump()) == recorded
