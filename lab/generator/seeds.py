"""Independent random generators for each part of the shop, from one seed."""

import numpy as np

CATALOG, POPULATION, DRIFT, SLICES = range(4)


def generator_for(seed: int, *part: int) -> np.random.Generator:
    """Return the generator of a part: equal seeds and parts draw the same, whatever else was drawn before."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=part)))
