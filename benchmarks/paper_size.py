"""How long paper-size data take: `python -m benchmarks.paper_size`.

5,240 pairs, 33 judges, 11 scenarios and 5 conditions: 528 fits of 29 weights and a position bias each. The judges' tastes are the
published weights where ../shared/data is there, else Laplace draws; the comparisons are correlated as annotated ones are.
"""

import os
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.judges import Judge
from dissection.properties import paper_properties
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.posterior import Posterior
from dissection.similarity import similarity_matrix

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "data" / "published_weights" / "fitted_paras_comparison"
SCENARIO_SIZES = (400,) * 9 + (820,) * 2
CONDITION_SIZES = (1418, 388, 401, 459, 121)
CONDITIONS = ("w_constraints", "w_stances", "w_mistakes", "intent_unclear", "express_feeling")
JUDGES, PROPERTIES, RUNS = 33, 29, 5


def tastes(rng: np.random.Generator) -> tuple[str, tuple[str, ...], tuple[str, ...], FloatArray]:
    """Where the tastes come from, the scenarios, the judges, and (scenarios × judges × properties)."""
    if PUBLISHED.is_dir():
        weights = open_dataset(PUBLISHED)
        assert weights.estimates is not None
        scenarios = tuple(group.name for group in weights.scenarios)
        return "the published weights", scenarios, weights.judge_names, weights.estimates[: len(scenarios)]
    # Judges share a taste, and scenarios vary it, so that there is a similarity to find.
    shared, own = rng.laplace(scale=0.1, size=(2, 1, JUDGES, PROPERTIES))
    common = rng.laplace(scale=0.1, size=(len(SCENARIO_SIZES), 1, PROPERTIES))
    share = np.linspace(0.2, 0.9, JUDGES)[:, None]
    drawn = share * common + (1 - share) * (shared + own) / 2
    return "Laplace draws", tuple(f"scenario {i + 1}" for i in range(11)), tuple(f"judge {i + 1}" for i in range(JUDGES)), drawn


def correlated_comparisons(n: int, rng: np.random.Generator) -> FloatArray:
    """As in `tests/reference/cells.py`: four common factors behind 29 properties."""
    common = rng.normal(size=(n, 4)) @ rng.normal(scale=0.6, size=(4, PROPERTIES))
    latent = common + rng.normal(size=(n, PROPERTIES))
    return np.sign(latent) * (np.abs(latent) > rng.uniform(0.5, 1.8, size=PROPERTIES))


def simulate(seed: int = 0) -> tuple[PairDataset, list[Posterior], str]:
    """The dataset, what was planted in its scenarios, and where that comes from."""
    rng = np.random.default_rng(seed)
    source, scenarios, judges, planted = tastes(rng)
    n = sum(SCENARIO_SIZES)
    membership = np.repeat(np.arange(len(SCENARIO_SIZES)), SCENARIO_SIZES)
    comparisons = correlated_comparisons(n, rng)
    log_odds = np.einsum("ni,nji->nj", comparisons, planted[membership])
    verdicts = np.full((n, len(judges), 2), np.nan)
    verdicts[:, :, 0] = rng.random(log_odds.shape) < 1 / (1 + np.exp(-log_odds))
    columns = {name: pd.Series([None] * n, dtype=object) for name in ("query", "response_a", "response_b", "model_a", "model_b")}
    pairs = pd.DataFrame({"scenario": [scenarios[i] for i in membership], **columns})
    conditions = {name: np.zeros(n, dtype=bool) for name in CONDITIONS}
    for mask, size in zip(conditions.values(), CONDITION_SIZES, strict=True):
        mask[rng.choice(n, size=size, replace=False)] = True
    dataset = PairDataset(
        name="paper size",
        pairs=pairs.set_axis(pd.Index([str(i) for i in range(n)], name="pair_id", dtype=object)),
        properties=paper_properties(),
        comparisons=comparisons,
        scores=np.full((n, PROPERTIES, 2), np.nan),
        judges=tuple(Judge(name) for name in judges),
        verdicts=verdicts,
        conditions=conditions,
    )
    return dataset, _points(dataset, scenarios, planted), source


def _points(dataset: PairDataset, scenarios: tuple[str, ...], weights: FloatArray) -> list[Posterior]:
    nothing = np.full(PROPERTIES, np.nan)
    names = dataset.property_names
    return [
        Posterior(judge, Group(group, "scenario"), names, mean, *(nothing,) * 4, np.empty((0, 0)), 0, nothing, "point estimate")
        for group, of_group in zip(scenarios, weights, strict=True)
        for judge, mean in zip(dataset.judge_names, of_group, strict=True)
    ]


def recovery(posteriors: list[Posterior], planted: list[Posterior]) -> dict[str, float]:
    """How well the refit finds what was planted in the scenarios."""
    scenarios = [posterior for posterior in posteriors if posterior.group.kind == "scenario"]
    refit, true = similarity_matrix(scenarios).to_numpy(), similarity_matrix(planted).to_numpy()
    upper = np.triu_indices(len(refit), 1)
    found, truth = np.stack([p.mean for p in scenarios]), np.stack([p.mean for p in planted])
    inside = np.stack([(p.low < t.mean) & (t.mean < p.high) for p, t in zip(scenarios, planted, strict=True)])
    return {
        "similarity": float(np.corrcoef(refit[upper], true[upper])[0, 1]),
        "weights": float(np.corrcoef(found.ravel(), truth.ravel())[0, 1]),
        "coverage": float(inside.mean()),
    }


def main() -> None:
    """Measure and print."""
    dataset, planted, source = simulate()
    print(
        f"{len(dataset):,} pairs, {len(dataset.judges)} judges, {len(dataset.groups)} groups; tastes: {source}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    seconds = []
    posteriors: list[Posterior] = []
    for _ in range(RUNS):
        started = time.perf_counter()
        posteriors = fit(dataset)
        seconds.append(time.perf_counter() - started)
    converged = sum(posterior.converged for posterior in posteriors)
    print(
        f"fast engine, {len(posteriors)} fits ({converged} converged): best {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s of "
        f"{RUNS} runs"
    )
    found = recovery(posteriors, planted)
    print(
        f"recovery in the scenarios: similarity matrix r = {found['similarity']:.3f}, weights r = {found['weights']:.3f}, "
        f"{100 * found['coverage']:.1f} % of the planted weights in their 95 % intervals (they need not be spread as the prior is; "
        "benchmarks.coverage draws them from the prior)"
    )


if __name__ == "__main__":
    main()
