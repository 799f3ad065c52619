"""How often intervals hold what was planted: `python -m benchmarks.coverage`.

Weights from the model's own prior, verdicts from the model, correlated comparisons, 29 properties and a position bias; 20 designs of 20
judges for each number of pairs.
"""

import numpy as np

from benchmarks.paper_size import PROPERTIES, correlated_comparisons
from dissection.dataset import FloatArray
from dissection.regression.model import PAPER, STANDARD, Model
from dissection.regression.observations import Observations
from dissection.regression.propagation import propagate

SIZES = (30, 60, 120, 236, 400, 820)
DESIGNS, JUDGES = 20, 20


def _cells(n: int, model: Model, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng([n, seed])
    design = correlated_comparisons(n, rng)
    truth = rng.laplace(scale=model.prior_scale, size=(PROPERTIES, JUDGES))
    if model.intercept_sd is not None:
        design = np.column_stack([design, rng.choice([-1.0, 1.0], size=n)])
        truth = np.concatenate([truth, rng.normal(scale=model.intercept_sd, size=(1, JUDGES))])
    verdicts = (rng.random((n, JUDGES)) < 1 / (1 + np.exp(-design @ truth))).astype(float)
    return design, verdicts, truth.T


def measure(n: int, model: Model) -> dict[str, float]:
    """Shares in per cent; the distance of the truth from the mean in sds (root mean square)."""
    inside, decided, signs, bias, distance, converged = [], [], [], [], [], []
    for seed in range(DESIGNS):
        design, verdicts, truth = _cells(n, model, seed)
        found = propagate(Observations(design, verdicts, np.ones_like(verdicts)), model.prior_scale, model.intercept_sd)
        within = (found.low < truth) & (truth < found.high)
        clear = ((found.low > 0) | (found.high < 0))[:, :PROPERTIES]
        inside.append(within[:, :PROPERTIES])
        bias.append(within[:, PROPERTIES:])
        decided.append(clear)
        signs.append((np.sign(found.mean) == np.sign(truth))[:, :PROPERTIES][clear])
        distance.append(((truth - found.mean) / found.sd)[:, :PROPERTIES])
        converged.append(found.converged)
    bias_inside = np.concatenate(bias)
    right = np.concatenate(signs)
    return {
        "cells": DESIGNS * JUDGES,
        "converged": 100 * np.concatenate(converged).mean(),
        "covered": 100 * np.concatenate(inside).mean(),
        "bias": 100 * bias_inside.mean() if bias_inside.size else float("nan"),
        "distance": float(np.sqrt((np.concatenate(distance) ** 2).mean())),
        "decided": 100 * np.concatenate(decided).mean(),
        "signs": 100 * right.mean() if right.size else float("nan"),
    }


def main() -> None:
    """Print one table a model."""
    for model in (STANDARD, PAPER):
        print(f"{model.description}\n")
        print(
            "| n | cells | converged % | in 95 % interval, % | position bias in its interval, % | error / sd | decided % | sign right, % |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for n in SIZES:
            row = measure(n, model)
            shown = {name: "–" if np.isnan(value) else f"{value:.1f}" for name, value in row.items()}
            print(
                f"| {n} | {row['cells']:.0f} | {shown['converged']} | {shown['covered']} | {shown['bias']} | {row['distance']:.3f} | "
                f"{shown['decided']} | {shown['signs']} |",
                flush=True,
            )
        print()


if __name__ == "__main__":
    main()
