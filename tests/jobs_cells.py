"""Small cells for the tests of sampling jobs, and results that are made up, where the sampler itself is not the matter."""

import numpy as np
import xarray

from dissection.regression.cells import Cell, cells
from dissection.regression.diagnostics import Diagnostics
from dissection.regression.model import STANDARD, Model
from dissection.regression.nuts import Draws, Settings
from dissection.regression.sampling import Sampled, summarise
from tests.conftest import make_dataset

COMPILES = 240.0  # seconds, within which a worker has started and compiled its model, also where others work on the same cores
# All cells have two properties, so that a worker compiles once.
SHORT = Settings(draws=200, tune=200, chains=2)
LONG = Settings(draws=20_000, tune=20_000, chains=16)  # minutes
TASTES = {"one": [1.0, 0.0], "two": [-1.0, 0.2]}
PASSED = Diagnostics(1.0, 1000.0, 1000.0, 0, 1.0, 2, 200, 0.1)


def small_cells(number: int = 4, settings: Settings = SHORT, model: Model = STANDARD, n: int = 60, seed: int = 0) -> list[Cell]:
    """Cells of judges "one" and "two" in a scenario each two; their verdicts, and so their keys, differ."""
    scenarios = [f"s{i}" for i in range(max(2, -(-number // 2)))]
    return cells(make_dataset(n * len(scenarios) // 2, 2, TASTES, scenarios, seed=seed), model, settings)[:number]


def made_up(cell: Cell, diagnostics: Diagnostics = PASSED) -> Sampled:
    """What a sampler could have given: draws of a standard normal distribution."""
    rng = np.random.default_rng(0)
    chains, draws, d = cell.settings.chains, cell.settings.draws, len(cell.properties)
    names = {"chain": range(chains), "draw": range(draws)}
    parts = (len(cell.groups),) if cell.model.pooled else ()
    part = ("part",) if cell.model.pooled else ()
    posterior = {
        "weights": (("chain", "draw", *part, "weight"), rng.normal(size=(chains, draws, *parts, d))),
        "position_bias": (("chain", "draw", *part), rng.normal(size=(chains, draws, *parts))),
    }
    if cell.model.pooled:
        posterior["shared"] = (("chain", "draw", "weight"), rng.normal(size=(chains, draws, d)))
    stats = {
        "energy": (("chain", "draw"), rng.normal(size=(chains, draws))),
        "diverging": (("chain", "draw"), np.zeros((chains, draws), dtype=bool)),
        "depth": (("chain", "draw"), rng.integers(1, 5, size=(chains, draws))),
    }
    found = Draws(xarray.Dataset(posterior, coords=names), xarray.Dataset(stats, coords=names))
    return Sampled(found, summarise(cell, found, diagnostics))
