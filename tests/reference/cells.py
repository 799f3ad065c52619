"""Ten cells on which the fast engine is held against NUTS; `python -m tests.reference.cells` samples them anew (about 20 minutes).

The comparisons are correlated, as annotated ones are; two cells have ties, one has soft verdicts.
"""

import json
import sys
from pathlib import Path

import numpy as np

from dissection.dataset import FloatArray
from dissection.regression.model import PAPER, STANDARD, Model
from dissection.regression.nuts import Settings, sample
from dissection.regression.observations import Observations

REFERENCE = Path(__file__).with_name("nuts.json")
SIZES = (120, 121, 200, 240, 300, 400, 401, 459, 600, 820)
PROPERTIES = 29


def cell(number: int) -> tuple[FloatArray, FloatArray]:
    """Comparisons (n × 29) and verdicts (n,) of a cell."""
    rng = np.random.default_rng(1000 + number)
    n = SIZES[number]
    common = rng.normal(size=(n, 4)) @ rng.normal(scale=0.6, size=(4, PROPERTIES))
    latent = common + rng.normal(size=(n, PROPERTIES))
    cut = rng.uniform(0.5, 1.8, size=PROPERTIES)
    comparisons = np.sign(latent) * (np.abs(latent) > cut)
    weights = rng.laplace(scale=rng.choice([0.1, 0.2, 0.35]), size=PROPERTIES)
    truth = 1 / (1 + np.exp(-(comparisons @ weights + rng.normal(scale=0.3))))
    if number == 9:
        return comparisons, np.round(truth, 2)
    verdicts = (rng.random(n) < truth).astype(float)
    if number in (3, 6):
        verdicts[rng.random(n) < 0.15] = 0.5
    return comparisons, verdicts


def rows(number: int, model: Model) -> Observations:
    """A cell as the engines take it, A shown first."""
    comparisons, verdicts = cell(number)
    design = comparisons if model.intercept_sd is None else np.column_stack([comparisons, np.ones(len(comparisons))])
    return Observations(design, verdicts[:, None], np.ones((len(verdicts), 1)))


def summarise(draws: FloatArray) -> dict[str, list[float]]:
    """Mean, sd and 95 % ends of each column."""
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    parts = {"mean": draws.mean(axis=0), "sd": draws.std(axis=0), "low": low, "high": high}
    return {name: [round(float(value), 5) for value in values] for name, values in parts.items()}


def main() -> None:
    """Sample every cell under both presets, 4 × 5,000 draws, and write the summaries."""
    results = {}
    for model in (STANDARD, PAPER):
        for number in range(len(SIZES)):
            draws = sample([rows(number, model)], model, Settings(draws=5000, tune=1000, seed=number))
            results[f"{model.name}/{number}"] = {"n": SIZES[number], **summarise(draws.matrix())}
            sys.stderr.write(f"{model.name}/{number}\n")
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in results.items())
    REFERENCE.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
