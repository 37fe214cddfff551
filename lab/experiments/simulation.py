"""Simulation of both designs on the batch lists of the made-up shop."""

from pathlib import Path

import msgspec
import numpy as np

from lab.configuration.generator_section import GeneratorSection
from lab.configuration.result_sections import ExperimentsSection
from lab.experiments.ab_test import ABReport, ABRules, ab_test, assigned
from lab.experiments.batch_lists import read_lists, users_with_lists, variants_in
from lab.experiments.click_model import ClickModel
from lab.experiments.multileaving import MultileavingReport, multileaved_credit, multileaving_report
from lab.experiments.shop_users import ShopUsers

EXPERIMENT = "lab"
"""Name that users are assigned by."""


class SimulationReport(msgspec.Struct, frozen=True):
    """Results of the A/B/n test and of the multileaved one."""

    ab: ABReport
    multileaving: MultileavingReport


def simulation(folder: Path, generator: GeneratorSection, settings: ExperimentsSection) -> SimulationReport:
    """Return what simulated users do with the batch lists of a folder.

    Raises
    ------
    InvalidInput
        When there are no two models to compare.
    CorruptArtifact
        When lists can't be read.
    """
    names = variants_in(folder, settings.control_model, settings.variants)
    user_ids = users_with_lists(folder / f"{settings.control_model}.parquet")
    random = np.random.default_rng(settings.seed)
    chosen = random.permutation(len(user_ids))[: settings.n_users]
    user_ids = [user_ids[number] for number in chosen.tolist()]
    shop = ShopUsers(generator, user_ids)
    lists = read_lists(folder, names, user_ids, shop.product_ids)
    model = ClickModel(position_bias=settings.position_bias, noise=settings.noise)
    rules = ABRules(settings.control_model, settings.alpha, settings.power, settings.seed)
    ab = ab_test(shop.attraction_of_lists(lists), assigned(user_ids, len(names), EXPERIMENT), model, rules)
    n_mixed = min(settings.interleaving_n_users, len(user_ids))
    n_shown = model.lists_shown(n_mixed, random)
    credit = multileaved_credit(
        {name: of_users[:n_mixed] for name, of_users in lists.items()},
        n_shown,
        shop.attraction,
        model,
        settings.interleaving_k,
        settings.seed,
    )
    return SimulationReport(ab, multileaving_report(credit, n_shown, names, rules))
