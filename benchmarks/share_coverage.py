"""Whether shares of families and the index can be believed: `python -m benchmarks.share_coverage`.

Judges are planted with 25 properties in four families: one goes by style alone, one by substance alone, three by several families, and one
tosses coins. How often do the 95 % intervals hold the planted shares and the planted index, and how often is the judge that tosses coins
given shares (about 5 % are expected)?
"""

import argparse
import sys

import numpy as np
import pandas as pd

from benchmarks.paper_size import correlated_comparisons
from dissection.dataset import FloatArray, PairDataset
from dissection.judges import Judge
from dissection.properties import Family, Property
from dissection.substance.shares import family_shares

FAMILIES: tuple[Family, ...] = ("substance",) * 9 + ("style",) * 10 + ("safety",) * 2 + ("interaction",) * 4
KINDS = tuple(dict.fromkeys(FAMILIES))
SIZES, DATASETS = (100, 300, 1_000), 150


def judges(rng: np.random.Generator) -> dict[str, FloatArray]:
    """Name → weights in log-odds, drawn anew for every dataset."""
    taste = rng.choice([-1.0, 1.0], len(FAMILIES)) * rng.uniform(0.1, 0.6, len(FAMILIES))
    shares = {
        "style alone": (0, 1, 0, 0),
        "substance alone": (1, 0, 0, 0),
        "all alike": (1, 1, 1, 1),
        "style first": (0.4, 1, 0.4, 0.4),
        "substance first": (1, 0.4, 0.6, 0.2),
        "coin": (0, 0, 0, 0),
    }
    return {name: taste * np.array([strength[KINDS.index(family)] for family in FAMILIES]) for name, strength in shares.items()}


def planted(n: int, rng: np.random.Generator, *, correlated: bool) -> tuple[PairDataset, dict[str, FloatArray]]:
    """A dataset of n pairs without texts, and what its judges want."""
    d = len(FAMILIES)
    comparisons = correlated_comparisons(n, rng)[:, :d] if correlated else rng.integers(-1, 2, size=(n, d)).astype(float)
    tastes = judges(rng)
    verdicts = np.full((n, len(tastes), 2), np.nan)
    for place, taste in enumerate(tastes.values()):
        verdicts[:, place, 0] = rng.random(n) < 1 / (1 + np.exp(-comparisons @ taste))
    pairs = pd.DataFrame({"scenario": "All", **dict.fromkeys(("query", "response_a", "response_b", "model_a", "model_b"))}, index=range(n))
    dataset = PairDataset(
        name="planted",
        pairs=pairs.set_axis(pd.Index([f"p{row}" for row in range(n)], name="pair_id", dtype=object)),
        properties=tuple(Property(f"p{place}", family=family) for place, family in enumerate(FAMILIES)),
        comparisons=comparisons,
        scores=np.full((n, d, 2), np.nan),
        judges=tuple(Judge(name) for name in tastes),
        verdicts=verdicts,
    )
    return dataset, tastes


def truth(dataset: PairDataset, taste: FloatArray) -> dict[str, float]:
    """Family → planted share, and "index"."""
    moments = dataset.comparisons.T @ dataset.comparisons / len(dataset)
    masks = {family: np.array([one == family for one in FAMILIES]) for family in KINDS}
    spread = {family: float(taste[mask] @ moments[np.ix_(mask, mask)] @ taste[mask]) for family, mask in masks.items()}
    index = (spread["style"] - spread["substance"]) / (spread["style"] + spread["substance"])
    return {family: value / sum(spread.values()) for family, value in spread.items()} | {"index": index}


def coverage(n: int, datasets: int, seed: int, *, correlated: bool) -> dict[str, object]:
    """Per cent inside: lowest to highest over the judges; and of coin-tossers that were given shares."""
    rng = np.random.default_rng(seed)
    inside: dict[tuple[str, str], list[bool]] = {}
    given = 0
    for _ in range(datasets):
        dataset, tastes = planted(n, rng, correlated=correlated)
        found = family_shares(dataset)
        shares = found.shares.set_index(["judge", "family"])[["low", "high"]]
        index = found.index.set_index("judge")
        given += index.loc["coin", "status"] == "told"
        for name, taste in tastes.items():
            if name == "coin":
                continue
            for what, value in truth(dataset, taste).items():
                low, high = index.loc[name, ["low", "high"]] if what == "index" else shares.loc[(name, what)]
                inside.setdefault((name, "index" if what == "index" else "shares"), []).append(bool(low - 1e-9 <= value <= high + 1e-9))
    ends = {kind: [round(100 * float(np.mean(held))) for (_, of), held in inside.items() if of == kind] for kind in ("shares", "index")}
    return {
        "pairs": n,
        "properties": "correlated" if correlated else "independent",
        **{f"{kind} inside": f"{min(values)}–{max(values)}" for kind, values in ends.items()},
        "coin-tossers with shares": round(100 * given / datasets),
    }


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=DATASETS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = [coverage(n, options.datasets, options.seed, correlated=correlated) for n in SIZES for correlated in (False, True)]
    print(pd.DataFrame(rows).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
