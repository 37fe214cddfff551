"""The contents of `lab.toml`: what every step of the laboratory is told."""

import msgspec

from lab.configuration.generator_section import DataSection, GeneratorSection
from lab.configuration.model_sections import ModelsSection, TuningSection
from lab.configuration.result_sections import (
    EvaluationSection,
    ExperimentsSection,
    FeaturesSection,
    RecommendationsSection,
    SplitSection,
)


class LabSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All sections; each one is described where it is declared."""

    data: DataSection = DataSection()
    generator: GeneratorSection = GeneratorSection()
    split: SplitSection = SplitSection()
    features: FeaturesSection = FeaturesSection()
    models: ModelsSection = ModelsSection()
    tuning: TuningSection = TuningSection()
    recommendations: RecommendationsSection = RecommendationsSection()
    evaluation: EvaluationSection = EvaluationSection()
    experiments: ExperimentsSection = ExperimentsSection()
