"""Cases on which the pooled fast engine is held against NUTS; `python -m tests.reference.pooled [KIND]` samples
them anew (some minutes each).

Tastes that scenarios share in part; one judge was asked in both orders, one gives soft verdicts and ties, one case is as wide as the paper's
data, and in one the last property goes with all others, as length does.
"""

import json
import sys
from pathlib import Path

import numpy as np

from dissection.dataset import FloatArray
from dissection.regression.model import POOLED
from dissection.regression.observations import Observations, observations

REFERENCE = Path(__file__).with_name("pooled.json")
KINDS = ("hard", "both orders", "soft", "wide", "collinear")
SIZES = dict.fromkeys(KINDS[:3], (40, 80, 160, 320, 400)) | {"wide": (120, 150, 180, 180, 200, 200, 200, 220, 240, 400, 400)}
SIZES["collinear"] = SIZES["wide"]
PROPERTIES = dict.fromkeys(KINDS[:3], 12) | {"wide": 29, "collinear": 12}
SPREADS = {"hard": 0.1, "both orders": 0.3, "soft": 0.02, "wide": 0.1, "collinear": 0.05}


def tastes(kind: str) -> FloatArray:
    """(scenarios × properties + 1) planted weights, the position bias last."""
    rng = np.random.default_rng(500 + KINDS.index(kind))
    shared = np.append(rng.laplace(scale=0.25, size=PROPERTIES[kind]), 0.3)
    return np.asarray(shared + rng.normal(scale=SPREADS[kind], size=(len(SIZES[kind]), PROPERTIES[kind] + 1)))


def case(kind: str) -> list[Observations]:
    """The rows of each scenario."""
    rng = np.random.default_rng(900 + KINDS.index(kind))
    parts = []
    for n, weights in zip(SIZES[kind], tastes(kind), strict=True):
        common = rng.normal(size=(n, 2)) @ rng.normal(scale=0.6, size=(2, PROPERTIES[kind]))
        latent = common + rng.normal(size=(n, PROPERTIES[kind]))
        comparisons = np.sign(latent) * (np.abs(latent) > 0.7)
        if kind == "collinear":
            comparisons[:, -1] = np.sign(latent[:, :-1].sum(axis=1))
        verdicts = np.full((n, 1, 2), np.nan)
        for order, sign in enumerate((1.0, -1.0)[: 2 if kind == "both orders" else 1]):
            truth = 1 / (1 + np.exp(-(comparisons @ weights[:-1] + sign * weights[-1])))
            verdicts[:, 0, order] = np.round(truth, 2) if kind == "soft" else rng.random(n) < truth
        if kind == "soft":
            verdicts[rng.random(n) < 0.2, 0, 0] = 0.5
        parts.append(observations(comparisons, verdicts, POOLED, both=kind == "both orders"))
    return parts


def summarise(draws: FloatArray) -> dict[str, list[float]]:
    """Mean, sd, ends and P(weight > 0) of each column of (draws × columns)."""
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    parts = {"mean": draws.mean(axis=0), "sd": draws.std(axis=0), "low": low, "high": high, "direction": (draws > 0).mean(axis=0)}
    return {name: [round(float(value), 5) for value in values] for name, values in parts.items()}


def main() -> None:
    """Sample every case, 4 × 5,000 draws, and write the summaries of each scenario, of what is shared and of the spreads."""
    from dissection.regression.nuts import Settings, sample

    results = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.exists() else {}
    for kind in sys.argv[1:] or KINDS:
        found = sample(case(kind), POOLED, Settings(draws=5000, tune=1500, seed=1)).posterior
        columns = {name: np.asarray(found[name], dtype=float) for name in ("weights", "position_bias", "shared", "shared_bias", "spread")}
        flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in columns.items()}
        for place in range(len(SIZES[kind])):
            results[f"{kind}/{place}"] = summarise(np.column_stack([flat["weights"][:, place], flat["position_bias"][:, place]]))
        results[f"{kind}/shared"] = summarise(np.column_stack([flat["shared"], flat["shared_bias"]]))
        results[f"{kind}/spread"] = summarise(flat["spread"])
        sys.stderr.write(f"{kind}\n")
    lines = ",\n".join(f'"{key}": {json.dumps(value)}' for key, value in results.items())
    REFERENCE.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
