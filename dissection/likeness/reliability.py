"""How far a similarity can be trusted: its interval, the noise ceiling, and the similarity of the tastes behind the noise."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dissection.dataset import BoolArray, FloatArray, Group, PairDataset
from dissection.likeness.likelihoods import Evidence, gather
from dissection.likeness.tastes import correlation_draws, spreads
from dissection.regression.fit import Progress, fit, fit_rows, groups_to_fit
from dissection.regression.folds import IntArray, query_clusters
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import answered, usable
from dissection.regression.posterior import Posterior
from dissection.similarity import check_method, kept_columns, known_mean, mean_correlations, paired_correlations, similarity_matrix

SPLITS = 6
BLOCK = 12  # pairs of judges whose tastes are drawn together; bounds the memory
INTERVAL = 0.95
PUBLISHED = "no intervals: posterior means only"
POOLED = "no intervals: the pooled model fits scenarios together; choose the standard or the paper's model"
PAIR_COLUMNS = ("judge", "other", "similarity", "low", "high", "ceiling", "corrected", "groups", "n", "n_other", "common", "remark")
CEILING_COLUMNS = ("judge", "ceiling", "groups", "n", "remark")


@dataclass(frozen=True, eq=False)
class Likeness:
    """How alike judges are, and how alike each would be to itself.

    Attributes:
        pairs: one row a pair of judges, `PAIR_COLUMNS`. `similarity` is that of the posterior means, as in `similarity_matrix`: the noise
            of few verdicts lowers it, and noise that two judges share, having judged the same pairs, raises it. `ceiling` is what two
            judges of one taste reach on average with so many verdicts and no shared noise: the geometric mean of what each reaches with
            itself on fresh pairs. `corrected` is the similarity of the tastes themselves, free of both kinds of noise (posterior median),
            and `low` to `high` its 95 % interval. `groups` counts those that are averaged, `n` and `n_other` the
            pairs each judged in them, `common` the pairs that both judged. `remark` says why a number is missing (NaN), or what to bear
            in mind.
        ceilings: one row a judge, `CEILING_COLUMNS`: the similarity of two estimates of this judge, each from n pairs of its own.
    """

    pairs: pd.DataFrame
    ceilings: pd.DataFrame


def no_intervals(dataset: PairDataset, model: Model) -> str:
    """Why similarities can have no intervals here; empty where they can."""
    return PUBLISHED if not dataset.has_pairs else POOLED if model.pooled else ""


def likeness(
    dataset: PairDataset,
    model: Model = STANDARD,
    groups: Sequence[str] | None = None,
    method: str = "pearson",
    without: Collection[str] = (),
    progress: Progress | None = None,
    posteriors: Sequence[Posterior] | None = None,
) -> Likeness:
    """Every two judges' similarity with its interval, ceiling and correction; see `tastes.py` for the method.

    Args:
        dataset: pairs with verdicts; published weights have similarities only.
        model: a pooled one gives similarities only; folds are not made, as intervals are those of one fit.
        groups: names of those to average over, which should share no pairs; None: all scenarios.
        method: as in `similarity_matrix`.
        without: properties that are left out of the similarity, though not of the fit.
        progress: called with (steps done, steps in all); what it raises ends the work.
        posteriors: of all judges in the groups by this model, where they are known; used where there are similarities only.

    Raises:
        UnknownNameError: a method, group or property that there is not.
        InputError: fewer than two properties are left.
    """
    check_method(method)
    kept = kept_columns(dataset.property_names, without)
    names = list(groups) if groups is not None else [group.name for group in dataset.scenarios]
    if reason := no_intervals(dataset, model):
        return _without_intervals(dataset, posteriors or fit(dataset, model, groups=names), method, without, reason)
    chosen = groups_to_fit(dataset, model, names)
    model = replace(model, folds=0)
    evidence = gather(dataset, model, range(len(dataset.judges)), chosen, None)
    selves = np.where(evidence.known, noise_ceilings(dataset, model, chosen, method, kept), np.nan)
    spread = spreads(evidence, method)
    one, other = np.triu_indices(len(evidence.judges), 1)
    both = evidence.known[:, one] & evidence.known[:, other]
    ends = np.full((3, len(one)), np.nan)
    possible = np.flatnonzero(both.any(axis=0)) if len(kept) > 1 else np.arange(0)
    for start in range(0, len(possible), BLOCK):
        if progress:
            progress(start, len(possible))
        part = possible[start : start + BLOCK]
        draws = correlation_draws(evidence, one[part], other[part], spread, method, kept)
        ends[:, part] = np.quantile(draws, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2, 0.5], axis=1)
    if progress:
        progress(len(possible), len(possible))
    return Likeness(
        _pair_frame(dataset, evidence, selves, ends, mean_correlations(evidence.means()[..., kept], method)), _ceilings(evidence, selves)
    )


def _pair_frame(dataset: PairDataset, evidence: Evidence, selves: FloatArray, ends: FloatArray, matrix: FloatArray) -> pd.DataFrame:
    """`PAIR_COLUMNS`; `ends` (3 × pairs) are low, high and median of the tastes' similarity, `matrix` holds that of the estimates."""
    one, other = np.triu_indices(len(evidence.judges), 1)
    both = evidence.known[:, one] & evidence.known[:, other]
    similarity = matrix[one, other]
    return pd.DataFrame(
        {
            "judge": [evidence.judges[place] for place in one],
            "other": [evidence.judges[place] for place in other],
            "similarity": similarity,
            "low": ends[0],
            "high": ends[1],
            "ceiling": known_mean(np.sqrt(np.maximum(selves[:, one] * selves[:, other], 0.0))),
            "corrected": ends[2],
            "groups": both.sum(axis=0),
            "n": np.where(both, evidence.n[:, one], 0).sum(axis=0),
            "n_other": np.where(both, evidence.n[:, other], 0).sum(axis=0),
            "common": evidence.common[one, other],
            "remark": _remarks(dataset, evidence, similarity),
        },
        columns=list(PAIR_COLUMNS),
    )


def noise_ceilings(dataset: PairDataset, model: Model, groups: Sequence[Group], method: str, kept: IntArray, seed: int = 0) -> FloatArray:
    """(groups × judges) similarity of two estimates of one judge, each from as many pairs as it judged; NaN where it can't be split.

    The queries are split into random halves, each half is fitted, and the correlation of the two fits is carried over to the full number
    (Spearman 1910, doi:10.1111/j.2044-8295.1910.tb00206.x; Brown 1910, doi:10.1111/j.2044-8295.1910.tb00207.x).

    Args:
        dataset: with pairs.
        model: not a pooled one.
        groups: scenarios or conditions.
        method: as in `similarity_matrix`.
        kept: the properties' places that are correlated.
        seed: of the splits.
    """
    clusters, d, judges = query_clusters(dataset), len(dataset.properties), list(range(len(dataset.judges)))
    rng = np.random.default_rng(seed)
    splits = [(rng.permutation(clusters.max(initial=0) + 1) % 2 == 0)[clusters] for _ in range(SPLITS)]
    found = np.full((SPLITS, len(groups), len(judges)), np.nan)
    for place, group in enumerate(groups):
        rows = dataset.members(group) & dataset.assessed
        comparisons, verdicts = usable(dataset, group, judges)
        for number, split in enumerate(splits):
            halves = [(comparisons[half], verdicts[half]) for half in (split[rows], ~split[rows])]
            means = [fit_rows(*half, model).mean[:, :d][:, kept] for half in halves]
            whole = np.all([[answered(of_half[:, judge]).any() for judge in judges] for _, of_half in halves], axis=0)
            found[number, place] = np.where(whole, paired_correlations(means[0], means[1], method), np.nan)
    half = np.clip(known_mean(found), 0.0, 1.0)
    return np.asarray(2 * half / (1 + half))


def _ceilings(evidence: Evidence, selves: FloatArray) -> pd.DataFrame:
    known = evidence.known.sum(axis=0)
    return pd.DataFrame(
        {
            "judge": list(evidence.judges),
            "ceiling": known_mean(selves),
            "groups": known,
            "n": evidence.n.sum(axis=0),
            "remark": np.where(
                known == 0, "no verdicts here", np.where(np.isnan(selves).all(axis=0), "too few queries to split in halves", "")
            ),
        },
        columns=list(CEILING_COLUMNS),
    )


def _remarks(dataset: PairDataset, evidence: Evidence, similarity: FloatArray) -> list[str]:
    """One for each two judges: why there is no number, or what makes it doubtful."""
    rows: BoolArray = np.stack([dataset.members(group) for group in evidence.groups]).any(axis=0) & dataset.assessed
    labels: FloatArray = dataset.labels[rows]
    silent: BoolArray = ~np.asarray(evidence.known.any(axis=0))
    lonely: IntArray = evidence.known.sum(axis=0)
    constant = [len(seen) > 1 and float(np.ptp(seen)) == 0 for seen in (column[~np.isnan(column)] for column in labels.T)]
    one, other = np.triu_indices(len(evidence.judges), 1)
    remarks = []
    for first, second, value in zip(one, other, similarity, strict=True):
        names, pair = evidence.judges, (first, second)
        shared = int(evidence.common[pair])
        answers, against = labels[:, first], labels[:, second]
        differ = ~np.isnan(answers) & ~np.isnan(against) & (answers != against)
        if silent[first] or silent[second]:
            text = f"{' and '.join(names[place] for place in pair if silent[place])}: no verdicts here"
        elif not (evidence.known[:, first] & evidence.known[:, second]).any():
            text = f"no group in which both judged: {names[first]} has {lonely[first]}, {names[second]} has {lonely[second]}"
        elif np.isnan(value):
            text = "a judge's weights are all alike, so they have no correlation"
        elif constant[first] or constant[second]:
            text = f"{' and '.join(names[place] for place in pair if constant[place])} gave the same verdict on every pair"
        elif shared < 2:
            text = f"{'one pair' if shared else 'no pair'} in common: the similarity rests on what each judged alone"
        elif not differ.any():
            text = f"the same verdicts on all {shared:,} common pairs"
        else:
            text = ""
        remarks.append(text)
    return remarks


def _without_intervals(
    dataset: PairDataset, posteriors: Sequence[Posterior], method: str, without: Collection[str], reason: str
) -> Likeness:
    """Similarities alone, of published weights or of the pooled model."""
    matrix = similarity_matrix(posteriors, method, without).to_numpy()
    fitted = {(posterior.judge, posterior.group): posterior for posterior in posteriors}
    chosen: list[Group] = list(dict.fromkeys(posterior.group for posterior in posteriors))
    known = np.array([[bool(np.isfinite(fitted[name, group].mean).all()) for name in dataset.judge_names] for group in chosen])
    n = np.array([[fitted[name, group].n for name in dataset.judge_names] for group in chosen])
    one, other = np.triu_indices(len(dataset.judges), 1)
    both = known[:, one] & known[:, other]
    pairs = pd.DataFrame(index=range(len(one)), columns=list(PAIR_COLUMNS))
    pairs = pairs.astype(dict.fromkeys(("low", "high", "ceiling", "corrected"), float))
    pairs["judge"], pairs["other"] = ([dataset.judge_names[place] for place in side] for side in (one, other))
    pairs["similarity"], pairs["groups"] = matrix[one, other], both.sum(axis=0)
    pairs["n"], pairs["n_other"] = (np.where(both, n[:, side], 0).sum(axis=0) for side in (one, other))
    pairs["common"] = 0
    pairs["remark"] = np.where(both.any(axis=0), reason, "no group in which both have numbers")
    ceilings = pd.DataFrame(
        {"judge": dataset.judge_names, "ceiling": np.nan, "groups": known.sum(axis=0), "n": n.sum(axis=0), "remark": reason},
        columns=list(CEILING_COLUMNS),
    )
    return Likeness(pairs, ceilings)
