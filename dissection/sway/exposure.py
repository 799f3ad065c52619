"""How exposed a judge is: what style alone would gain, between two answers that are equal in everything else.

If one of two equal answers is restyled, so that it has more (s_i = 1) or less (s_i = -1) of some style properties than the other, it wins
with probability σ(Σ s_i α_i), the position aside. The largest gain is that of the best s, 100·σ(Σ|α_i|) - 50 points, from 0 to 50. But who
looks for the best s in noisy weights finds one even for a judge without a taste, so s is picked on one half of what the verdicts say and
tried on the other: exposure is the gain of the change so found, and says what can be shown, never more. With the verdicts' own Gaussian
likelihood of the weights, mean α̂ and covariance C (the prior taken out), and ε ~ N(0, C), the halves α̂ + ε and α̂ - ε are independent, each of
covariance 2C (Rasines & Young 2023, doi:10.1093/biomet/asac070). On the first, s_i is the sign of each style weight of which at least 90 %
lie on one side, else 0; the second then tells Σ s_i α_i without bias. Both are averaged over many ε.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from dissection.agreement import Z_95
from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.errors import InputError
from dissection.likeness.likelihoods import Evidence, gather
from dissection.properties import Family
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import answered, usable
from dissection.substance.shares import assign_families
from dissection.substance.spread import FLAT
from dissection.sway.changes import Change
from dissection.wording import count

EXPOSURE_COLUMNS = ("judge", "exposure", "low", "high", "maximum", "change", "n", "properties", "status", "remark")
SURE = 0.9  # of the direction of a weight, on one half
SPLITS = 1_000
# The likelihood is taken for Gaussian about the posterior with this prior. With the usual 0.1 that lies too near 0 for strong tastes, and the
# interval held their gain in 82 to 91 % of datasets; with 1 it lies too far from 0 where there are few pairs (`benchmarks.sway_coverage`).
PRIOR_SCALE = 0.3
NAMED = 0.5  # of the splits that must pick a property for it to be named
PUBLISHED = "posterior means only: no interval, and chance is not kept apart from taste, so the number is too high rather than too low"
LEAST_DIFFERS = 20  # pairs: of a style in which answers hardly ever differ nothing can be told
TOO_ALIKE = "the answers hardly ever differ in style"
NO_VERDICTS = "no verdicts on pairs whose properties are all known, or the fit did not settle"


def exposure(
    dataset: PairDataset,
    model: Model = STANDARD,
    group: str | None = None,
    families: Mapping[str, Family] | None = None,
    judges: Sequence[str] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """The exposure of each judge to style, the most exposed first.

    Args:
        dataset: pairs with verdicts, or published weights, of which it is the plain maximum, without an interval.
        model: with an intercept or without; its prior scale is not used, as the prior is taken out, nor are pooling and folds.
        group: a scenario or condition, or all pairs; None: the first of `selectable_groups`, all pairs where there are several scenarios.
        families: property → family, for those that the catalogue has elsewhere.
        judges: names; None: all.
        seed: of the splits.

    Returns:
        One row a judge, `EXPOSURE_COLUMNS`: `exposure` with `low` to `high` (95 %) in percentage points, 0 to 50; `maximum`: the plain
        maximum over all changes at the likelihood's mean, which chance makes too high; `change`: the properties that at least half of the
        splits pick, with their directions; `n` pairs judged; how many style `properties` (those in which answers differ on at least 20
        pairs); `status` ("told", "no verdicts" or "point estimate") and a `remark`.

    Raises:
        UnknownNameError: a judge, group, property or family that there is not.
        InputError: no property is of the family style.
    """
    told = assign_families(dataset, families)
    style = np.array([family == "style" for family in told], dtype=bool)
    if not style.any():
        raise InputError(
            "No property is of the family style, so nothing says what style alone would gain.",
            where=dataset.name,
            accepted="at least one property of the family style",
            remedy="say which properties are style, or use those computed from the texts",
        )
    names = dataset.judge_names if judges is None else tuple(judges)
    columns = [dataset.judge_index(name) for name in names]
    chosen = dataset.group(group) if group else dataset.selectable_groups[0]
    words = tuple(name for name, is_style in zip(dataset.property_names, style, strict=True) if is_style)
    if dataset.estimates is not None:
        weights = dataset.estimates[dataset.estimate_groups.index(chosen)][columns][:, style]
        return _ranked([_point(judge, row, words) for judge, row in zip(names, weights, strict=True)])
    evidence = gather(dataset, replace(model, prior_scale=PRIOR_SCALE, pooled=False, folds=0), columns, [chosen], None)
    comparisons, verdicts = usable(dataset, chosen, columns)
    differs = [(comparisons[answered(verdicts[:, place])] != 0).sum(axis=0) for place in range(len(names))]
    masks = [style & (pairs >= LEAST_DIFFERS) for pairs in differs]
    return _ranked([_of_judge(dataset, evidence, place, mask, len(words), seed) for place, mask in enumerate(masks)])


def _of_judge(dataset: PairDataset, evidence: Evidence, place: int, mask: BoolArray, style: int, seed: int) -> dict[str, object]:
    """Of the `place`th judge; `mask` has the style properties that can be told of, of so many."""
    judge, n = evidence.judges[place], int(evidence.n[0, place])
    if n == 0 or not mask.any():
        return _row(judge, np.full(4, np.nan), "", n, (), "no verdicts", NO_VERDICTS if n == 0 else TOO_ALIKE)
    mean, half = likelihood(evidence.root[0, place], evidence.score[0, place], mask)
    kept = [name for name, there in zip(dataset.property_names, mask, strict=True) if there]
    return _told(judge, mean, half, kept, n, style - len(kept), seed)


def likelihood(root: FloatArray, score: FloatArray, style: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Mean (S,) of the style weights and (S × d) root of their covariance, as the verdicts alone have them.

    Args:
        root: (d × d) symmetric root of the likelihood's precision.
        score: (d,) as in `Evidence`.
        style: (d,) which properties are style.
    """
    values, vectors = np.linalg.eigh(root)
    # What the pairs say nothing of is very uncertain, not unknown.
    values = np.maximum(values, np.sqrt(FLAT) * max(float(values.max(initial=0.0)), 1e-12))
    half = vectors / values
    return (half @ (vectors.T @ score))[style], half[style]


def picked_and_tried(mean: FloatArray, half: FloatArray, seed: int) -> tuple[float, float, FloatArray]:
    """The log-odds that the picked changes gain, their standard error, and (S,) how often each property is picked, with its sign.

    Args:
        mean: (S,) of the style weights.
        half: (S × d) root of their covariance.
        seed: of the splits.
    """
    noise = np.random.default_rng(seed).standard_normal((SPLITS, half.shape[1])) @ half.T
    first, second = mean + noise, mean - noise
    sd = np.sqrt(2 * (half**2).sum(axis=1))
    signs = np.where(np.abs(first) > norm.ppf(SURE) * sd, np.sign(first), 0.0)
    gained = float((signs * second).sum(axis=1).mean())
    # What is averaged over splits scatters no more than one change that is told by all verdicts.
    error = float(np.sqrt(((signs @ half) ** 2).sum(axis=1).mean()))
    return gained, error, signs.mean(axis=0)


def points(log_odds: float) -> float:
    """Log-odds as percentage points above an even chance, from 0 (no change does that) to 50."""
    return float(max(100 * expit(log_odds) - 50, 0.0))


def _told(judge: str, mean: FloatArray, half: FloatArray, words: Sequence[str], n: int, left_out: int, seed: int) -> dict[str, object]:
    gained, error, often = picked_and_tried(mean, half, seed)
    order = np.argsort(-np.abs(often), kind="stable")
    change = ", ".join(Change(words[place], bool(often[place] > 0)).words for place in order if abs(often[place]) >= NAMED)
    numbers = [points(gained), points(gained - Z_95 * error), points(gained + Z_95 * error), points(float(np.abs(mean).sum()))]
    remarks = [] if change else ["no style property is told apart from noise"]
    if left_out:
        remarks.append(
            f"{count(left_out, 'style property', 'style properties')} left out: answers differ in fewer than {LEAST_DIFFERS} pairs"
        )
    return _row(judge, np.array(numbers), change, n, words, "told", "; ".join(remarks))


def _point(judge: str, weights: FloatArray, words: Sequence[str]) -> dict[str, object]:
    if not np.isfinite(weights).all():
        return _row(judge, np.full(4, np.nan), "", 0, words, "no verdicts", NO_VERDICTS)
    found = points(float(np.abs(weights).sum()))
    order = np.argsort(-np.abs(weights), kind="stable")
    change = ", ".join(Change(words[place], bool(weights[place] > 0)).words for place in order if weights[place])
    return _row(judge, np.array([found, np.nan, np.nan, found]), change, 0, words, "point estimate", PUBLISHED)


def _row(judge: str, numbers: FloatArray, change: str, n: int, words: Sequence[str], status: str, remark: str) -> dict[str, object]:
    values = dict(zip(("exposure", "low", "high", "maximum"), numbers.tolist(), strict=True))
    return {"judge": judge, **values, "change": change, "n": n, "properties": len(words), "status": status, "remark": remark}


def _ranked(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(EXPOSURE_COLUMNS))
    return frame.sort_values("exposure", ascending=False, kind="stable", na_position="last", ignore_index=True)
