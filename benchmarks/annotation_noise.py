"""Whether the noise of annotations is found, and whether effects are better without it: `python -m benchmarks.annotation_noise`.

How near does the posterior of ε come to planted noise, and how often does its 95 % interval hold it, by the number of pairs annotated twice;
where is it weak, and would the maximum of the likelihood do better? How often does the interval of the position effect hold a planted one?
How far are plain and corrected effects from planted tastes, beside MC-SIMEX that was given the true noise (`tests/test_noise_simex.py`); the
same where the correction can't do much; and how long does it take?

The worlds are those of `tests/test_noise_effects.py`: noise on all properties but one, verdicts that follow the true comparisons.
"""

import argparse
import dataclasses
import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray
from dissection.noise.agreement import agreement_of_annotations
from dissection.noise.effects import FITS, corrected_effects
from dissection.noise.redraw import fit_redraw
from dissection.regression.fit import fit, fit_rows
from dissection.regression.model import STANDARD, Model
from tests.test_noise_agreement import annotated
from tests.test_noise_effects import WIDE, World, inside, world
from tests.test_noise_redraw import planted
from tests.test_noise_simex import noisier, quadratic, rational

DATASETS = 12
TABLES, POSITIONS = 5, 50  # times the datasets
TWICE, TIES = (60, 200, 600, 3_000), (0.3, 0.7, 0.9)
RARE_TWICE, RARE = (100, 200, 600), 0.9  # ties in nine pairs of ten
REFITS = 200  # of the maximum of the likelihood, by resamples of a table
CELLS = (51, 31, 31)  # of ε, p0 and q0, both ends included, for that maximum
NOISE = tuple(itertools.product((0.1, 0.25), (1 / 3, 0.7)))  # ε, q0
PAIRS, PROPERTIES, AGAIN = 1_500, 15, 400
LARGE = 0.2  # log-odds
REPLICATES = 8
PUSHED = 0.2  # of comparisons that move up where A is shown first, and down where B is
RUNS = 5
PLAIN, CORRECTED, RIVAL = "plain", "corrected", "MC-SIMEX, posterior means, quadratic"

Annotate = Callable[[FloatArray, FloatArray, np.random.Generator], FloatArray]


def report_noise(tables: int, seed: int) -> None:
    """Print how well planted noise is found, averages over shares of ties in what is true and in what is drawn anew."""
    print(f"Planted noise, {tables} tables each for p0 of 0.3, 0.7 and 0.9 and q0 of 1/3 and p0; averages over these six.\n")
    levels = (0.0, 0.1, 0.25, 0.5)
    print("| pairs twice | " + " | ".join(f"ε = {epsilon:g}: mean, % in 95 %" for epsilon in levels) + " |")
    print("|---|" + "---|" * len(levels))
    for n in TWICE:
        cells = []
        for epsilon in levels:
            rng, found = np.random.default_rng([seed, n, round(100 * epsilon)]), []
            for ties, _ in itertools.product(TIES, range(tables)):
                found += [fit_redraw(planted(rng, n, ties, epsilon, drawn), 1) for drawn in (1 / 3, ties)]
            held = np.mean([one.low <= epsilon <= one.high for one in found])
            cells.append(f"{np.mean([one.epsilon for one in found]):.2f}, {100 * held:.0f}")
        print(f"| {n:,} | " + " | ".join(cells) + " |", flush=True)


def kinds(tables: FloatArray) -> FloatArray:
    """(… × 4) of (… × 3 × 3): both 0, one 0, the same side, opposite sides."""
    both, same, opposite = tables[..., 1, 1], tables[..., 0, 0] + tables[..., 2, 2], tables[..., 0, 2] + tables[..., 2, 0]
    return np.stack([both, tables.sum(axis=(-1, -2)) - both - same - opposite, same, opposite], axis=-1)


class Likelihood(NamedTuple):
    """The noise model on a grid, written down anew from its matrix of misclassification.

    Attributes:
        epsilon: (cells,).
        logs: (cells × 4) logarithms of the shares of `kinds`.
    """

    epsilon: FloatArray
    logs: FloatArray

    def most_likely(self, tables: FloatArray) -> FloatArray:
        """ε of each of (tables × 3 × 3)."""
        return np.asarray(self.epsilon[(self.logs @ kinds(tables).T.astype(np.float32)).argmax(axis=0)])


def likelihood() -> Likelihood:
    """On `CELLS`."""
    axes = np.meshgrid(*(np.linspace(0, 1, size) for size in CELLS), indexing="ij")
    epsilon, ties, drawn = (axis.ravel() for axis in axes)
    true, fresh = (np.stack([(1 - zero) / 2, zero, (1 - zero) / 2], axis=1) for zero in (ties, drawn))
    chance = (1 - epsilon)[:, None, None] * np.eye(3) + epsilon[:, None, None] * fresh[:, None, :]
    shares = kinds(np.einsum("ct,cti,ctj->cij", true, chance, chance))
    return Likelihood(epsilon, np.log(np.maximum(shares, 1e-12)).astype(np.float32))


def report_rare(tables: int, seed: int) -> None:
    """Print the same for a property on which one pair in ten differs, beside the maximum of the likelihood and its bootstrap."""
    print(
        f"\np0 = {RARE}, {tables} tables a row; mean / root mean square error / % in 95 %, of the maximum by {REFITS} resamples of a table.\n"
    )
    print("| ε | q0 | pairs twice | posterior | maximum of the likelihood |")
    print("|---|---|---|---|---|")
    grid, slack = likelihood(), 0.5 / (CELLS[0] - 1)
    for epsilon, drawn, n in itertools.product((0.1, 0.5), (1 / 3, RARE), RARE_TWICE):
        rng, rows = np.random.default_rng([seed, n, round(100 * epsilon), round(100 * drawn)]), []
        for _ in range(tables):
            table = planted(rng, n, RARE, epsilon, drawn)
            found, drawn_tables = fit_redraw(table, 1), rng.multinomial(n, table.ravel() / n, size=REFITS).reshape(-1, 3, 3)
            best = grid.most_likely(np.concatenate([table[None], drawn_tables]))
            low, high = np.quantile(best[1:], (0.025, 0.975))
            rows.append([found.epsilon, found.low <= epsilon <= found.high, best[0], low - slack <= epsilon <= high + slack])
        made = np.array(rows, dtype=float)
        means, off = made.mean(axis=0), np.sqrt(((made - epsilon) ** 2).mean(axis=0))
        cells = [f"{means[at]:.2f} / {off[at]:.2f} / {100 * means[at + 1]:.0f}" for at in (0, 2)]
        print(f"| {epsilon:g} | {drawn:.2f} | {n} | {cells[0]} | {cells[1]} |", flush=True)


def report_position(datasets: int, seed: int) -> None:
    """Print how often the interval of the position effect holds the planted one."""
    rng, held, effect = np.random.default_rng(seed), [], PUSHED * 2 / 3  # a third is at the end already and can't move
    for number in range(datasets):
        truth, pushed = rng.integers(-1, 2, (200, 1)).astype(float), rng.random((2, 200, 1)) < PUSHED
        first, second = np.clip(truth + pushed[0], -1, 1), np.clip(truth - pushed[1], -1, 1)
        row = agreement_of_annotations(annotated(first), annotated(second), swapped=True, seed=number).iloc[0]
        held.append(row["position_low"] <= effect <= row["position_high"])
    print(f"\nPosition effect: 200 pairs, planted {effect:.3f}, in {100 * np.mean(held):.1f} % of {datasets} intervals.")


class Scores(NamedTuple):
    """One dataset's: mean distance from the tastes, that of the large ones, and the share of intervals that hold them (NaN: there are none)."""

    distance: float
    large: float
    held: float = np.nan


def scores(estimate: FloatArray, tastes: FloatArray, held: FloatArray | float = np.nan) -> Scores:
    """Of (judges × properties)."""
    off = np.abs(estimate.reshape(tastes.shape) - tastes)
    return Scores(float(off.mean()), float(off[np.abs(tastes) > LARGE].mean()), float(np.mean(held)))


def both_ways(made: World, model: Model, seed: int) -> dict[str, Scores]:
    """Plain and corrected."""
    found = corrected_effects(made.dataset, made.again, "All", model, seed=seed)
    names = {PLAIN: ("mean", "low", "high"), CORRECTED: ("corrected", "corrected_low", "corrected_high")}
    return {way: scores(found[mean].to_numpy(), made.tastes, inside(found, made, low, high)) for way, (mean, low, high) in names.items()}


def without_noise(made: World, model: Model) -> Scores:
    """Fitted on the true comparisons."""
    found, d = fit_rows(made.clean.comparisons, made.clean.verdicts, model), len(made.clean.properties)
    low, high = found.low[:, :d], found.high[:, :d]
    return scores(found.mean[:, :d], made.tastes, ((low <= made.tastes) & (made.tastes <= high)).astype(float))


def rivals(made: World, epsilon: float, drawn_ties: float, model: Model) -> dict[str, Scores]:
    """MC-SIMEX by what is extrapolated and how."""
    points = noisier(made, epsilon, drawn_ties, model, REPLICATES)
    return {
        f"MC-SIMEX, {name}, {how.__name__}": scores(how(points[part]), made.tastes)
        for how in (quadratic, rational)
        for part, name in (("mean", "posterior means"), ("likelihood_mean", "likelihoods"))
    }


def cell(rows: list[Scores]) -> str:
    """Means over datasets."""
    distance, large, held = np.mean(rows, axis=0)
    return f"{distance:.3f} / {large:.3f} / " + ("–" if np.isnan(held) else f"{100 * held:.0f}")


def change(before: list[Scores], after: list[Scores]) -> str:
    """Of the mean distance on the same datasets, with its standard error over these."""
    changes = np.array([one.distance - other.distance for one, other in zip(after, before, strict=True)])
    return f"{changes.mean():+.4f} ± {changes.std(ddof=1) / np.sqrt(len(changes)):.4f}"


def report_effects(datasets: int, seed: int, *, strong: bool) -> None:
    """Print the table of one kind of tastes."""
    model = WIDE if strong else STANDARD
    print(f"\n{PAIRS:,} pairs, {PROPERTIES} properties, {AGAIN} pairs twice, 6 judges, {datasets} datasets, {FITS} draws of the noise.")
    print(f"Mean distance / that of tastes beyond {LARGE} / % in 95 %; last: differences of the distance ± standard error.\n")
    columns: list[dict[str, list[Scores]]] = []
    for epsilon, drawn in NOISE:
        column: dict[str, list[Scores]] = {}
        for number in range(seed, seed + datasets):
            made = world(number, epsilon, n=PAIRS, d=PROPERTIES, again=AGAIN, strong=strong, drawn_ties=drawn)
            found = both_ways(made, model, number) | rivals(made, epsilon, drawn, model)
            for way, one in (found | {"annotations without noise": without_noise(made, model)}).items():
                column.setdefault(way, []).append(one)
        columns.append(column)
    print(f"| {'strong tastes' if strong else 'tastes of the prior'} | " + " | ".join(f"ε = {e:g}, q0 = {q:.2f}" for e, q in NOISE) + " |")
    print("|---|" + "---|" * len(NOISE))
    for way in columns[0]:
        print(f"| {way} | " + " | ".join(cell(column[way]) for column in columns) + " |")
    for way, other in ((CORRECTED, PLAIN), (RIVAL, CORRECTED)):
        print(f"| {way} − {other} | " + " | ".join(change(column[other], column[way]) for column in columns) + " |", flush=True)


def one_step(truth: FloatArray, epsilon: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A tie becomes a side, a side a tie."""
    moved = np.where(truth == 0, rng.choice([-1.0, 1.0], truth.shape), 0.0)
    return np.where(rng.random(truth.shape) < epsilon, moved, truth)


def of_another_pair(truth: FloatArray, epsilon: FloatArray, rng: np.random.Generator) -> FloatArray:
    """All that has noise is annotated as on another pair, so that errors go together."""
    hit = rng.random((len(truth), 1)) < epsilon.max()
    return np.where(hit & (epsilon > 0), truth[rng.permutation(len(truth))], truth)


def with_other_noise(made: World, annotate: Annotate, epsilon: float, seed: int) -> World:
    """The same world with both annotations made in another way."""
    rng, truth = np.random.default_rng([seed, 1]), made.clean.comparisons
    noise = np.array([0.0] + [epsilon] * (truth.shape[1] - 1))
    rows = made.clean.pairs.index.get_indexer(made.again.pairs.index)
    first, second = annotate(truth, noise, rng), annotate(truth, noise, rng)[rows]
    return made._replace(
        dataset=dataclasses.replace(made.dataset, comparisons=first), again=dataclasses.replace(made.again, comparisons=second)
    )


def report_limits(datasets: int, seed: int) -> None:
    """Print few pairs with many properties, and noise of other kinds."""
    print(f"\nWhat it can't do, {datasets} datasets a row; q0 = 1/3 where noise is drawn anew.\n")
    rows = []
    few = [("200 pairs, 29 properties", 200, 29, 200, None, False), ("400 pairs, 29 properties", 400, 29, 200, None, True)]
    other = [
        (f"{name}, 2,000 pairs", 2_000, PROPERTIES, AGAIN, annotate, strong)
        for name, annotate in (("one step", one_step), ("of another pair", of_another_pair))
        for strong in (False, True)
    ]
    for (name, n, d, again, annotate, strong), epsilon in itertools.product([*few, *other], (0.1, 0.25)):
        found: dict[str, list[Scores]] = {}
        for number in range(seed, seed + datasets):
            made = world(number, epsilon, n=n, d=d, again=again, strong=strong, drawn_ties=1 / 3)
            made = with_other_noise(made, annotate, epsilon, number) if annotate else made
            for way, one in both_ways(made, WIDE if strong else STANDARD, number).items():
                found.setdefault(way, []).append(one)
        ways = {way: cell(found[way]) for way in found}
        rows.append(
            {
                "case": name,
                "tastes": "strong" if strong else "prior",
                "ε": epsilon,
                **ways,
                "corrected − plain": change(found[PLAIN], found[CORRECTED]),
            }
        )
    print(pd.DataFrame(rows).to_string(index=False), flush=True)


def report_time() -> None:
    """Print the processor time of a correction against that of the plain fit."""
    print(f"\nProcessor time, {PAIRS:,} pairs, {PROPERTIES} properties, {FITS} draws, median of {RUNS}; load {os.getloadavg()[0]:.1f}.")
    made = world(0, 0.25, n=PAIRS, d=PROPERTIES, again=AGAIN, judges=4)
    for names in (made.dataset.judge_names[:1], made.dataset.judge_names):
        spent = []
        for _ in range(RUNS):
            start = time.process_time()
            fit(made.dataset, STANDARD, names, ["All"])
            middle = time.process_time()
            corrected_effects(made.dataset, made.again, "All", judges=names)
            spent.append((middle - start, time.process_time() - middle))
        plain, corrected = (statistics.median(part) for part in zip(*spent, strict=True))
        print(f"{len(names)} judge(s): plain {plain:.3f} s, corrected {corrected:.2f} s, ratio {corrected / plain:.0f}", flush=True)


def main() -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description="Noise of annotations, and effects without it.")
    parser.add_argument("--datasets", type=int, default=DATASETS, metavar="N", help=f"worlds a column, at least 2, default {DATASETS}")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args()
    report_noise(TABLES * options.datasets, options.seed)
    report_rare(TABLES * options.datasets, options.seed)
    report_position(POSITIONS * options.datasets, options.seed)
    for strong in (False, True):
        report_effects(options.datasets, options.seed, strong=strong)
    report_limits(max(2, options.datasets // 2), options.seed)
    report_time()
    return 0


if __name__ == "__main__":
    sys.exit(main())
