"""Whether differences of judges can be believed: `python -m benchmarks.contrast_coverage`.

First: tastes from the model's own prior, two judges whose verdicts share their noise on a share of the pairs (the same uniform number is
held against both probabilities): how often do 95 % intervals of differences hold the truth (goal: 93 to 97), and how much narrower are they
than from two independent posteriors? The same for three other ways to make intervals. Second: judges that are planted equal: how many
properties are called different? Third: two judges over eleven scenarios, equal, twins that differ in strength alone, or any two: do the
intervals of ratio, direction and distance hold the truth?

Standard errors take a pair of judges (one design) as one draw.
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.coverage import Share, share
from benchmarks.paper_size import PROPERTIES, correlated_comparisons, tastes
from dissection.contrasts.moments import moments
from dissection.contrasts.paired import Contrast, contrast
from dissection.contrasts.resampling import RESAMPLES, batch_of, bootstrap, renumbered, resampled_means, scatter
from dissection.contrasts.sides import Side
from dissection.contrasts.strength import relation
from dissection.contrasts.table import difference_table
from dissection.dataset import FloatArray, PairDataset
from dissection.judges import Judge
from dissection.properties import Property
from dissection.regression.folds import query_clusters
from dissection.regression.model import STANDARD, Model

JUDGES = ("one", "two")
SHARED = (0.0, 0.3, 0.6)
PAIRS_OF_JUDGES, SOME, FEW = 500, 100, 40
SIZE, OTHER_SIZES = 400, (100, 1000)
EQUAL_SEEDS = 60
STRENGTH_SEEDS, STRENGTH_SIZE, TWIN_RATIO = 60, 240, 1.6
GOAL_LOW, GOAL_HIGH = 0.93, 0.97
LEVEL = 0.05
Z = 1.959964


class Planted(NamedTuple):
    """Judges "one" and "two" and what was planted, (2 × properties)."""

    dataset: PairDataset
    truth: FloatArray


def plant(groups: dict[str, tuple[int, FloatArray]], shared: float, rng: np.random.Generator, model: Model = STANDARD) -> Planted:
    """Two judges on new pairs without texts, asked with A shown first.

    Args:
        groups: scenario → its pairs and the (2 × properties) tastes of both judges there, at most 29 properties.
        shared: share of the pairs on which both verdicts come from the same uniform number.
        rng: numpy's generator.
        model: gives each judge a position bias, or none.
    """
    design, verdicts, names = [], [], []
    d = next(iter(groups.values()))[1].shape[1]
    for name, (n, weights) in groups.items():
        comparisons, bias = correlated_comparisons(n, rng)[:, :d], rng.normal(scale=model.intercept_sd or 0.0, size=2)
        chance = rng.random((n, 2))
        same = rng.random(n) < shared
        chance[same, 1] = chance[same, 0]
        verdicts.append((chance < 1 / (1 + np.exp(-comparisons @ weights.T - bias))).astype(float))
        design.append(comparisons)
        names += [name] * n
    n = len(names)
    columns = {name: pd.Series([None] * n, dtype=object) for name in ("query", "response_a", "response_b", "model_a", "model_b")}
    pairs = pd.DataFrame({"scenario": names, **columns}).set_axis(pd.Index([f"p{i}" for i in range(n)], dtype=object), axis=0)
    both = np.full((n, 2, 2), np.nan)
    both[:, :, 0] = np.concatenate(verdicts)
    dataset = PairDataset(
        name="planted",
        pairs=pairs,
        properties=tuple(Property(f"property {i + 1}") for i in range(d)),
        comparisons=np.concatenate(design),
        scores=np.full((n, d, 2), np.nan),
        judges=tuple(Judge(name) for name in JUDGES),
        verdicts=both,
    )
    return Planted(dataset, next(iter(groups.values()))[1])


def from_prior(n: int, shared: float, seed: int, model: Model = STANDARD, properties: int = PROPERTIES) -> Planted:
    """One scenario, tastes from the model's prior."""
    rng = np.random.default_rng([n, round(100 * shared), seed])
    return plant({"All": (n, rng.laplace(scale=model.prior_scale, size=(2, properties)))}, shared, rng, model)


def others(planted: Planted, found: Contrast, model: Model, resamples: int) -> dict[str, FloatArray]:
    """The standard deviations of the difference by other ways, each (properties,)."""
    group = planted.dataset.group("All")
    batches, queries = renumbered([batch_of(planted.dataset, group, (0, 1), query_clusters(planted.dataset))])
    means = resampled_means({"All": batches[0]}, bootstrap(queries, resamples, 0), model)
    parts = scatter(means["All", 0], means["All", 1], "")
    one, two = found.first.sd, found.second.sd
    correlation = parts.shared / np.sqrt(parts.first * parts.second)
    return {
        "independent posteriors": np.hypot(one, two),
        "correlation of the refits": np.sqrt(one**2 + two**2 - 2 * correlation * one * two),
        "bootstrap alone": np.sqrt(parts.first + parts.second - 2 * parts.shared),
    }


class Coverage(NamedTuple):
    """Of 95 % intervals.

    Attributes:
        inside: share that holds the truth.
        width: mean width as a share of that from independent posteriors.
    """

    inside: Share
    width: float


def coverage(
    n: int,
    shared: float,
    pairs: int,
    *,
    compare: int = 0,
    model: Model = STANDARD,
    properties: int = PROPERTIES,
    resamples: int = RESAMPLES,
) -> dict[str, Coverage]:
    """By the paired intervals, and on the first `compare` pairs of judges by others."""
    inside: dict[str, list[FloatArray]] = {}
    width: dict[str, list[float]] = {}
    for seed in range(pairs):
        planted = from_prior(n, shared, seed, model, properties)
        found = contrast(planted.dataset, Side("one", "All"), Side("two", "All"), model, resamples)
        truth = planted.truth[0] - planted.truth[1]
        apart = np.hypot(found.first.sd, found.second.sd)
        inside.setdefault("paired", []).append((found.low <= truth) & (truth <= found.high))
        width.setdefault("paired", []).append(float((found.sd / apart).mean()))
        for name, sd in others(planted, found, model, resamples).items() if seed < compare else ():
            inside.setdefault(name, []).append(np.abs(found.difference - truth) < Z * sd)
            width.setdefault(name, []).append(float((sd / apart).mean()))
    return {name: Coverage(share(np.array(hits, dtype=float)), float(np.mean(width[name]))) for name, hits in inside.items()}


def report_coverage(pairs: int) -> bool:
    """Print the table; whether every paired row meets the goal."""
    print(
        f"Tastes from the prior, {pairs} pairs of judges a row ({SOME} for the other ways, {FEW} for other sizes), {RESAMPLES} resamples."
    )
    print("% ± standard error.\n")
    print("| pairs | noise shared | way | in 95 % | mean width, independent posteriors = 1 |")
    print("|---|---|---|---|---|")
    met = True
    for n in (SIZE, *OTHER_SIZES):
        for shared in SHARED:
            rows = coverage(n, shared, pairs if n == SIZE else min(pairs, FEW), compare=SOME if n == SIZE else 0)
            for name, row in rows.items():
                print(f"| {n} | {shared:g} | {name} | {row.inside} | {row.width:.3f} |", flush=True)
            met &= GOAL_LOW <= rows["paired"].inside.value <= GOAL_HIGH
    return met


class Called(NamedTuple):
    """Of judges that are planted equal: shares called different."""

    decided: Share  # properties whose 95 % interval leaves out 0
    discovered: Share  # properties that the false discovery control keeps
    views: Share  # judges with any of these


def called_different(kind: str, shared: float, seeds: int, sizes: tuple[int, int] = (SIZE, 0)) -> Called:
    """Equal judges in one scenario, or with two sizes one judge in two scenarios of equal taste.

    Args:
        kind: "prior", or "published": the weights of a published scenario and judge, drawn by lot.
        shared: share of the pairs with shared noise.
        seeds: how many.
        sizes: pairs of the scenario, and of a second one.
    """
    decided, discovered = [], []
    real = tastes(np.random.default_rng(0))[3].reshape(-1, PROPERTIES)
    for seed in range(seeds):
        rng = np.random.default_rng([seed, round(100 * shared), sizes[1]])
        taste = rng.laplace(scale=STANDARD.prior_scale, size=PROPERTIES) if kind == "prior" else real[rng.integers(len(real))]
        groups = {name: (n, np.stack([taste, taste])) for name, n in zip(("All", "Other"), sizes, strict=True) if n}
        planted = plant(groups, shared, rng)
        other = Side("one", "Other") if sizes[1] else Side("two", "All")
        found = contrast(planted.dataset, Side("one", "All"), other, STANDARD)
        decided.append(found.decided)
        discovered.append(difference_table([found], LEVEL)["discovery"].to_numpy(dtype=float))
    hits = np.array(discovered)
    return Called(share(np.array(decided, dtype=float)), share(hits), share(hits.max(axis=1, keepdims=True)))


def report_equal(seeds: int) -> bool:
    """Print the table; whether equal judges on the same pairs are called different no more often than stated."""
    print(f"\nJudges planted equal, {seeds} seeds a row; % of properties called different ± standard error.\n")
    print("| tastes | sides | noise shared | 95 % interval leaves out 0 | discovery at 5 % | views with any discovery |")
    print("|---|---|---|---|---|---|")
    met = True
    for kind in ("prior", "published"):
        for shared in SHARED[::2]:
            row = called_different(kind, shared, seeds)
            print(f"| {kind} | two judges, {SIZE} pairs | {shared:g} | {row.decided} | {row.discovered} | {row.views} |", flush=True)
            met &= row.decided.value <= LEVEL and row.views.value <= LEVEL
        row = called_different(kind, 0.0, seeds, (820, 121))
        print(f"| {kind} | one judge, 820 and 121 pairs | – | {row.decided} | {row.discovered} | {row.views} |", flush=True)
    return met


def two_judges(kind: str, seed: int) -> tuple[Planted, FloatArray]:
    """Eleven scenarios of `STRENGTH_SIZE` pairs with published tastes: the dataset and the true ratio, cosine and distance of the judges.

    Args:
        kind: "equal", "twins" (the second `TWIN_RATIO` times the first) or "any two".
        seed: of the judges' choice and of all draws.
    """
    rng = np.random.default_rng([seed, len(kind)])
    source = tastes(np.random.default_rng(0))[3]
    one, two = rng.choice(source.shape[1], size=2, replace=False)
    first = source[:, one]
    second = source[:, two] if kind == "any two" else first * (TWIN_RATIO if kind == "twins" else 1.0)
    groups = {f"scenario {place + 1}": (STRENGTH_SIZE, np.stack(pair)) for place, pair in enumerate(zip(first, second, strict=True))}
    sizes = np.sqrt((first**2).sum()), np.sqrt((second**2).sum())
    distance = np.sqrt(((first - second) ** 2).sum() / len(first))
    return plant(groups, 0.0, rng), np.array([sizes[1] / sizes[0], (first * second).sum() / (sizes[0] * sizes[1]), distance])


def report_strength(seeds: int) -> None:
    """Print the table."""
    print(f"\nStrength apart from direction: published tastes, eleven scenarios of {STRENGTH_SIZE} pairs, {seeds} seeds a row.")
    print("Mean truth and mean estimate; % of 95 % intervals that hold the truth ± standard error.\n")
    print("| judges | ratio | in 95 % | cosine: estimates' own | corrected | in 95 % | distance | in 95 % |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in ("equal", "twins", "any two"):
        rows, raw = [], []
        for seed in range(seeds):
            planted, truth = two_judges(kind, seed)
            found = relation(moments(planted.dataset, JUDGES), *JUDGES)
            numbers = (found.ratio, found.cosine, found.distance)
            raw.append(found.raw_cosine)
            rows.append(
                [(true, part.value, part.low - 1e-9 <= true <= part.high + 1e-9) for true, part in zip(truth, numbers, strict=True)]
            )
        table = np.array(rows, dtype=float)
        means, hits = np.nanmean(table, axis=0), [share(table[:, place, 2:]) for place in range(3)]
        ratio, cosine, distance = (f"{true:.2f} / {value:.2f}" for true, value, _ in means)
        print(f"| {kind} | {ratio} | {hits[0]} | {np.mean(raw):.2f} | {cosine} | {hits[1]} | {distance} | {hits[2]} |", flush=True)


def main() -> int:
    """Print all tables, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="Coverage of differences of judges.")
    parser.add_argument("--pairs", type=int, default=PAIRS_OF_JUDGES, metavar="N", help=f"pairs of judges a row, default {PAIRS_OF_JUDGES}")
    parser.add_argument("--part", choices=("equal", "differences", "strength"), help="one of the three tables; default: all")
    options = parser.parse_args()
    met = True
    if options.part in (None, "equal"):
        met &= report_equal(EQUAL_SEEDS)
    if options.part in (None, "differences"):
        met &= report_coverage(options.pairs)
    if options.part in (None, "strength"):
        report_strength(STRENGTH_SEEDS)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
