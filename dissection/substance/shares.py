"""What a judge goes by, in shares of property families, and an index of style over substance.

With φ the comparisons of a pair and α a judge's weights, a family F by itself moves the judge's log-odds by Σ_{i∈F} α_i φ_i. Its spread
over the pairs is V_F = α_F' S_F α_F, S_F the second moments of the family's comparisons (which do not hang on the side an answer stands
on); over several scenarios it is the mean of theirs. The share of F is V_F / Σ_G V_G, from 0 to 1, and the shares add to one. The index is
(V_style - V_substance) / (V_style + V_substance), from -1 (substance alone) to 1 (style alone).

Noise is taken out, and intervals made, in `dissection.substance.spread`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from dissection.dataset import BoolArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.likeness.likelihoods import Evidence, gather
from dissection.properties import FAMILIES, Family
from dissection.regression.fit import Progress
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import answered, usable
from dissection.substance.spread import Forms, Ratio, mean_forms, quadratic_forms, ratio

Known = Literal["told", "no signal", "no verdicts", "point estimate"]

PUBLISHED = "posterior means only: the pairs behind them are not known, so there is no interval and noise can't be taken out"
NO_SIGNAL = "not told from noise: a judge that goes by none of these properties would give such verdicts too"
NO_VERDICTS = "no verdicts on pairs whose properties are all known, or the fit did not settle"
SHARE_COLUMNS = ("judge", "family", "share", "low", "high", "properties", "n", "groups", "status", "remark")
INDEX_COLUMNS = ("judge", "index", "low", "high", "first", "last", "n", "groups", "status", "remark")


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares and indices of judges over the same groups.

    Attributes:
        shares: one row a judge and family, `SHARE_COLUMNS`: `share` with `low` to `high` (95 %), of the `n` pairs judged in so many
            `groups`, and how many `properties` the family has. NaN where there is none; `status` and `remark` say why.
        index: one row a judge, `INDEX_COLUMNS`, most style first: `index` with `low` to `high`, and the places `first` to `last` that it
            may have: it comes behind each judge whose interval lies wholly above its own, and before each whose lies wholly below.
    """

    shares: pd.DataFrame
    index: pd.DataFrame


def assign_families(dataset: PairDataset, changes: Mapping[str, Family] | None = None) -> tuple[Family, ...]:
    """The family of each property: the catalogue's, or the one given.

    Raises:
        UnknownNameError: a property or a family that there is not.
    """
    given = dict(changes or {})
    for name, family in given.items():
        if name not in dataset.property_names:
            raise UnknownNameError(f"There is no property named {name!r}.", where=dataset.name, accepted=", ".join(dataset.property_names))
        if family not in FAMILIES:
            raise UnknownNameError(f"There is no family named {family!r}.", where=f"property {name!r}", accepted=", ".join(FAMILIES))
    return tuple(given.get(property_.name, property_.family) for property_ in dataset.properties)


def family_shares(
    dataset: PairDataset,
    model: Model = STANDARD,
    groups: Sequence[str] | None = None,
    families: Mapping[str, Family] | None = None,
    judges: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Shares:
    """The judges' shares and indices over some groups together.

    Args:
        dataset: pairs with verdicts, or published weights, whose shares are of squared weights (S is not known) and have no intervals.
        model: with an intercept or without. Scenarios are fitted on their own and by the standard prior scale, as the prior is taken out.
        groups: names of those to average over; None: all scenarios.
        families: property → family, for those that the catalogue has elsewhere.
        judges: names; None: all.
        progress: called with (groups done, groups in all).

    Raises:
        UnknownNameError: a judge, group, property or family that there is not.
        InputError: the data has no properties.
    """
    told = assign_families(dataset, families)
    if not told:
        raise InputError(
            "The data has no properties, so nothing says what a judge goes by.",
            where=dataset.name,
            accepted="pairs with properties, or with texts to compute them from",
            remedy="add properties or texts to the file",
        )
    names = tuple(family for family in FAMILIES if family in told)
    masks = np.array([[family == name for family in told] for name in names])
    chosen = [dataset.group(name) for name in groups] if groups is not None else list(dataset.scenarios)
    columns = [dataset.judge_index(name) for name in (dataset.judge_names if judges is None else judges)]
    if dataset.estimates is not None:
        return _published(dataset, columns, [dataset.estimate_groups.index(group) for group in chosen], names, masks)
    evidence = gather(dataset, replace(model, prior_scale=STANDARD.prior_scale, pooled=False, folds=0), columns, chosen, progress)
    rows, index = [], []
    for place, judge in enumerate(evidence.judges):
        known = np.flatnonzero(evidence.known[:, place])
        facts = {"judge": judge, "n": int(evidence.n[:, place].sum()), "groups": len(known)}
        forms = mean_forms([_forms(dataset, evidence, int(group), columns[place], place, masks) for group in known]) if len(known) else None
        rows += [_share(facts, names, masks, at, forms) for at in range(len(names))]
        index.append(_index(facts, names, forms))
    return Shares(pd.DataFrame(rows, columns=list(SHARE_COLUMNS)), _ranked(index))


def _forms(dataset: PairDataset, evidence: Evidence, group: int, column: int, judge: int, masks: BoolArray) -> Forms:
    comparisons, verdicts = usable(dataset, evidence.groups[group], [column])
    own = comparisons[answered(verdicts[:, 0])]
    return quadratic_forms(evidence.root[group, judge], evidence.score[group, judge], own.T @ own / len(own), masks)


def _share(facts: Mapping[str, object], names: Sequence[Family], masks: BoolArray, at: int, forms: Forms | None) -> dict[str, object]:
    row = {**facts, "family": names[at], "properties": int(masks[at].sum())}
    if forms is None:
        return {**row, "share": np.nan, "low": np.nan, "high": np.nan, "status": "no verdicts", "remark": NO_VERDICTS}
    found = ratio(forms, np.arange(len(names)) == at, np.ones(len(names), dtype=bool))
    return {**row, "share": found.value, "low": found.low, "high": found.high, **_status(found)}


def _status(found: Ratio) -> dict[str, str]:
    return {"status": "told", "remark": ""} if found.told else {"status": "no signal", "remark": NO_SIGNAL}


def _index(facts: Mapping[str, object], names: Sequence[Family], forms: Forms | None) -> dict[str, object]:
    nothing = {**facts, "index": np.nan, "low": np.nan, "high": np.nan}
    if forms is None:
        return {**nothing, "status": "no verdicts", "remark": NO_VERDICTS}
    if lacking := lacking_families(names):
        return {**nothing, "status": "no signal", "remark": f"no property of the family {' or '.join(lacking)}"}
    style, substance = (np.array([name == wanted for name in names]) for wanted in ("style", "substance"))
    found = ratio(forms, style, style | substance)
    value, low, high = (2 * share - 1 for share in (found.value, found.low, found.high))
    return {**facts, "index": value, "low": low, "high": high, **_status(found)}


def lacking_families(names: Sequence[str]) -> list[str]:
    """Those of style and substance that are not among these families; without both there is no index."""
    return [family for family in ("style", "substance") if family not in names]


def shares_by_group(
    dataset: PairDataset,
    judge: str,
    model: Model = STANDARD,
    families: Mapping[str, Family] | None = None,
    progress: Progress | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One judge's `Shares.shares` and `Shares.index` in each scenario and condition, with a column `group`; else as `family_shares`."""
    shares, index = [], []
    for done, group in enumerate(dataset.groups):
        if progress:
            progress(done, len(dataset.groups))
        found = family_shares(dataset, model, [group.name], families, [judge])
        shares.append(found.shares.assign(group=group.name))
        index.append(found.index.drop(columns=["first", "last"]).assign(group=group.name))
    return pd.concat(shares, ignore_index=True), pd.concat(index, ignore_index=True)


def _published(dataset: PairDataset, columns: Sequence[int], groups: Sequence[int], names: Sequence[Family], masks: BoolArray) -> Shares:
    """Of squared posterior means, the mean over groups in which the judge has them."""
    assert dataset.estimates is not None
    rows, index = [], []
    for column in columns:
        judge = dataset.judge_names[column]
        weights = dataset.estimates[list(groups), column]
        weights = weights[np.isfinite(weights).all(axis=1)]
        spread = np.array([(weights[:, mask] ** 2).sum() for mask in masks]) / max(len(weights), 1)
        known = bool(spread.sum() > 0)
        facts = {"judge": judge, "n": 0, "groups": len(weights), "low": np.nan, "high": np.nan}
        facts |= {"status": "point estimate" if known else "no verdicts", "remark": PUBLISHED if known else NO_VERDICTS}
        for at, family in enumerate(names):
            share = spread[at] / spread.sum() if known else np.nan
            rows.append({**facts, "family": family, "properties": int(masks[at].sum()), "share": share})
        style, substance = (sum(float(spread[at]) for at, name in enumerate(names) if name == wanted) for wanted in ("style", "substance"))
        there = not lacking_families(names) and style + substance > 0
        index.append({**facts, "index": (style - substance) / (style + substance) if there else np.nan})
    return Shares(pd.DataFrame(rows, columns=list(SHARE_COLUMNS)), _ranked(index))


def _ranked(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """`INDEX_COLUMNS`, most style first, with the places that each judge may have; only those with an index have one."""
    frame = pd.DataFrame(list(rows), columns=list(INDEX_COLUMNS))
    numbers = frame[["index", "low", "high"]].to_numpy(dtype=float)
    known = np.isfinite(numbers[:, 0])
    low, high = (np.where(np.isfinite(end), end, numbers[:, 0])[known] for end in (numbers[:, 1], numbers[:, 2]))
    frame["first"], frame["last"] = np.nan, np.nan
    frame.loc[known, "first"] = 1 + (low[None, :] > high[:, None]).sum(axis=1)
    frame.loc[known, "last"] = len(low) - (high[None, :] < low[:, None]).sum(axis=1)
    return frame.sort_values("index", ascending=False, kind="stable", na_position="last", ignore_index=True)
