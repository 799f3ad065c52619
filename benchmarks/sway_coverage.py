"""Whether predicted gains and exposure can be believed: `python -m benchmarks.sway_coverage`.

Verdicts of three of the demo's judges are drawn anew from their planted tastes, so that the real win rate of changed answers is known. How
often do the 95 % intervals hold it: of the most liked properties gained, and of the changes that the study itself picks out of all? What
would the usual prior have foretold? And of judges with planted tastes in style: how exposed do they seem, and how often does the interval
hold what the picked change really gains?
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from benchmarks.paper_size import correlated_comparisons
from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.judges import DATA_FOLDER, Judge
from dissection.likeness.likelihoods import gather
from dissection.properties import Family, Property
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD
from dissection.simulate import draw_verdicts
from dissection.sway.basis import basis
from dissection.sway.changes import Change, check_changes, moves, seen_from
from dissection.sway.exposure import LEAST_DIFFERS, PRIOR_SCALE, exposure, likelihood, picked_and_tried, points
from dissection.sway.gains import predicted_gain
from dissection.sway.study import study

SEEDS, PRIOR_SEEDS, DATASETS = 60, 30, 150
JUDGES = ("aspen-70b", "cedar-7b-chat", "maple-large")
GROUPS: tuple[tuple[str, ...], ...] = ((), ("Exam Questions", "Advice"), ("Code",))
SPURNED = ("no severe errors", "Code")  # of which a prior that draws to 0 foretells too little
TOP = 3
FAMILIES: tuple[Family, ...] = ("style",) * 10 + ("substance",) * 15
STYLES = FAMILIES.count("style")
SIZES = (200, 500, 1_500)


class Field:
    """The demo with one judge, whose verdicts are drawn anew from its planted tastes."""

    def __init__(self, judge: str) -> None:
        demo = open_dataset(DATA_FOLDER / "demo.jsonl.gz")
        truth = json.loads((DATA_FOLDER / "demo_truth.json").read_text(encoding="utf-8"))
        self.judge = judge
        self.bias = float(truth["position_bias"][judge])
        self.tastes = np.array([truth["tastes"][judge][scenario] for scenario in demo.pairs["scenario"]])
        self.demo = demo.without_judges(set(demo.judge_names) - {judge})

    def drawn(self, rng: np.random.Generator) -> PairDataset:
        """Hard verdicts, A shown first."""
        worth = (self.demo.comparisons * self.tastes).sum(axis=1)[:, None]
        verdicts = np.full((len(worth), 1, 2), np.nan)
        verdicts[:, 0, 0] = draw_verdicts(worth, np.ones(1), rng, self.bias)
        return dataclasses.replace(self.demo, judges=(Judge(self.judge),), verdicts=verdicts)

    def members(self, groups: Sequence[str]) -> BoolArray:
        """(pairs,) of these scenarios, or all."""
        return np.asarray(self.demo.pairs["scenario"].isin(groups) if groups else np.ones(len(self.demo), dtype=bool))

    def liked(self, groups: Sequence[str]) -> list[str]:
        """The properties of the largest planted weights there."""
        order = np.argsort(-self.tastes[self.members(groups)].mean(axis=0), kind="stable")
        return [self.demo.property_names[place] for place in order[:TOP]]

    def chances(self, changes: Sequence[Change], groups: Sequence[str]) -> FloatArray:
        """(sides, pairs, orders) chances by which the changed answers really win, either answer standing for the model."""
        rows = np.flatnonzero(self.members(groups) & self.demo.assessed)
        sides = seen_from(self.demo, rows)
        phi = sides.comparisons.copy()
        for change, place in zip(changes, check_changes(self.demo, changes), strict=True):
            phi[:, place] += moves(sides, place, more=change.more)
        worth = (phi * np.tile(self.tastes[rows], (2, 1))).sum(axis=1)
        return np.asarray(expit(np.stack([worth + self.bias, worth - self.bias], axis=1)).reshape(2, -1, 2))


def fresh(chances: FloatArray, rng: np.random.Generator) -> float:
    """The share of wins, in per cent, in one new verdict on each pair: on a side and in an order that lots decide."""
    pairs = np.arange(chances.shape[1])
    side, order = rng.integers(2, size=(2, len(pairs)))
    return 100 * float((rng.random(len(pairs)) < chances[side, pairs, order]).mean())


def held(row: "pd.Series[float]", chances: FloatArray, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the expected interval holds the real win rate, and that of fresh verdicts an observed one."""
    real = 100 * float(chances.mean())
    return bool(row["rate_low"] <= real <= row["rate_high"]), bool(row["fresh_low"] <= fresh(chances, rng) <= row["fresh_high"])


def gains_of(field: Field, groups: Sequence[str], seeds: int) -> list[tuple[float, float]]:
    """Per cent inside (expected, fresh) for two liked properties gained alone and three together."""
    first, second, third = (Change(name, more=True) for name in field.liked(groups))
    sets = [(first,), (second,), (first, second, third)]
    real = [field.chances(together, groups) for together in sets]
    found = np.empty((seeds, len(sets), 2))
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        dataset = field.drawn(rng)
        table = predicted_gain(dataset, basis(dataset, field.judge, groups), sets, seed=seed).table
        found[seed] = [held(table.iloc[at], chances, rng) for at, chances in enumerate(real)]
    return [(float(one), float(other)) for one, other in 100 * found.mean(axis=0)]


def picks_of(field: Field, groups: Sequence[str], seeds: int) -> tuple[float, float, float]:
    """Of the changes that the study picks as the best together: per cent inside (expected, fresh), and points foretold too much."""
    found, excess = [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        dataset = field.drawn(rng)
        made = study(dataset, field.judge, groups, top=TOP, seed=seed)
        gains = made.together["liked"]
        if gains is None:
            continue
        chances = field.chances(made.changes["liked"], groups)
        row = gains.table.iloc[-1]
        found.append(held(row, chances, rng))
        excess.append(row["rate"] - 100 * float(chances.mean()))
    one, other = 100 * np.mean(found, axis=0)
    return float(one), float(other), float(np.mean(excess))


def predictions(groups: Sequence[str], seeds: int) -> dict[str, object]:
    """Lowest to highest over judges and changes; picks only where there are few pairs, as they take long."""
    fields = [Field(judge) for judge in JUDGES]
    planted = np.array([cell for field in fields for cell in gains_of(field, groups, seeds)])
    row = {"pairs": f"{', '.join(groups) or 'all'} ({int(fields[0].members(groups).sum()):,})"}
    row |= {"liked, expected": _ends(planted[:, 0]), "liked, fresh": _ends(planted[:, 1])}
    if groups:
        picked = np.array([picks_of(field, groups, seeds) for field in fields])
        row |= {"picked, expected": _ends(picked[:, 0]), "picked, fresh": _ends(picked[:, 1])}
        row |= {"points foretold too much": f"{picked[:, 2].min():+.1f} to {picked[:, 2].max():+.1f}"}
    return dict(row)


def _ends(values: FloatArray) -> str:
    return f"{values.min():.0f}–{values.max():.0f}"


def priors(seeds: int) -> pd.DataFrame:
    """The usual prior against the wide one: the real win rate, what is foretold on average, and per cent inside."""
    name, group = SPURNED
    rows = []
    for judge in JUDGES:
        field, change = Field(judge), Change(name, more=True)
        real = 100 * float(field.chances([change], [group]).mean())
        found: dict[str, list[tuple[float, bool]]] = {"usual": [], "wide": []}
        for seed in range(seeds):
            dataset = field.drawn(np.random.default_rng(seed))
            wide = basis(dataset, judge, [group])
            (narrow,) = fit(dataset, STANDARD, [judge], [group])
            for prior, one in (("usual", dataclasses.replace(wide, posterior=narrow)), ("wide", wide)):
                row = predicted_gain(dataset, one, [[change]], seed=seed).table.iloc[0]
                found[prior].append((float(row["rate"]), bool(row["rate_low"] <= real <= row["rate_high"])))
        for prior, cells in found.items():
            rate, inside = np.mean(cells, axis=0)
            rows.append({"judge": judge, "prior": prior, "real": round(real, 1), "foretold": round(rate, 1), "inside": round(100 * inside)})
    return pd.DataFrame(rows)


def stylists() -> dict[str, FloatArray]:
    """Judge → (10,) its weights of style."""
    return {
        "no taste in style": np.zeros(STYLES),
        "one weight of 0.8": np.r_[0.8, np.zeros(STYLES - 1)],
        "ten weights of ±0.6": np.where(np.arange(STYLES) % 2, 0.6, -0.6),
        "ten weights of 0.15": np.full(STYLES, 0.15),
    }


def styled(n: int, rng: np.random.Generator) -> PairDataset:
    """Judges of one taste in substance and different ones in style."""
    d, tastes = len(FAMILIES), stylists()
    comparisons = correlated_comparisons(n, rng)[:, :d]
    substance = rng.normal(0, 0.5, d - STYLES)
    verdicts = np.full((n, len(tastes), 2), np.nan)
    for place, taste in enumerate(tastes.values()):
        verdicts[:, place, 0] = draw_verdicts(comparisons, np.r_[taste, substance], rng, 0.2)
    pairs = pd.DataFrame({"scenario": "All", **dict.fromkeys(("query", "response_a", "response_b", "model_a", "model_b"))}, index=range(n))
    return PairDataset(
        name="planted",
        pairs=pairs.set_axis(pd.Index([f"p{row}" for row in range(n)], name="pair_id", dtype=object)),
        properties=tuple(Property(f"p{place}", family=family) for place, family in enumerate(FAMILIES)),
        comparisons=comparisons,
        scores=np.full((n, d, 2), np.nan),
        judges=tuple(Judge(name) for name in tastes),
        verdicts=verdicts,
    )


def exposures(n: int, datasets: int, seed: int) -> list[dict[str, object]]:
    """A row a judge: means of exposure, its ends, what the picked change really gains and the plain maximum, and per cent inside."""
    rng, tastes, around = np.random.default_rng(seed), stylists(), dataclasses.replace(STANDARD, prior_scale=PRIOR_SCALE)
    cells: dict[str, list[tuple[float, ...]]] = {name: [] for name in tastes}
    for number in range(datasets):
        dataset = styled(n, rng)
        found = exposure(dataset, seed=number).set_index("judge")
        evidence = gather(dataset, around, list(range(len(tastes))), [dataset.groups[0]], None)
        mask = ((dataset.comparisons != 0).sum(axis=0) >= LEAST_DIFFERS) & (np.arange(len(FAMILIES)) < STYLES)
        for place, (name, taste) in enumerate(tastes.items()):
            *_, often = picked_and_tried(*likelihood(evidence.root[0, place], evidence.score[0, place], mask), number)
            real = points(float(often @ taste[mask[:STYLES]]))
            value, low, high, plain = (float(found[what].loc[name]) for what in ("exposure", "low", "high", "maximum"))
            cells[name].append((value, low, high, real, low - 1e-9 <= real <= high + 1e-9, plain))
    rows = []
    for name, taste in tastes.items():
        value, low, high, real, inside, plain = np.mean(cells[name], axis=0)
        row = {
            "judge": name,
            "pairs": n,
            "exposure": round(value, 1),
            "interval": f"{low:.0f}–{high:.0f}",
            "gain of the pick": round(real, 1),
        }
        rows.append(
            {**row, "held": round(100 * inside), "maximum": round(points(np.abs(taste).sum()), 1), "plain maximum": round(plain, 1)}
        )
    return rows


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("gains", "prior", "exposure"), action="append", help="repeatable; default: all three")
    parser.add_argument("--seeds", type=int, help=f"default: {SEEDS} (gains), {PRIOR_SEEDS} (prior), {DATASETS} datasets (exposure)")
    options = parser.parse_args()
    parts = options.part or ["gains", "prior", "exposure"]
    if "gains" in parts:
        print(pd.DataFrame([predictions(groups, options.seeds or SEEDS) for groups in GROUPS]).to_string(index=False), end="\n\n")
    if "prior" in parts:
        print(priors(options.seeds or PRIOR_SEEDS).to_string(index=False), end="\n\n")
    if "exposure" in parts:
        rows = [row for n in SIZES for row in exposures(n, options.seeds or DATASETS, 0)]
        print(pd.DataFrame(rows).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
