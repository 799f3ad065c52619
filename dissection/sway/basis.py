"""The fit that predictions rest on: one judge on all chosen pairs together, with a wide prior.

A judge's weights are usually read with the prior Laplace(0, 0.1), which draws them towards 0; what is told apart from 0 in spite of it
can be trusted. A prediction must not be drawn to 0: it would foretell too small gains. So the prior here is Laplace(0, 1), under which the
data speak, and the chosen scenarios are one fit: the drawing of many small fits would add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dissection.dataset import BoolArray, Group, PairDataset, group_label
from dissection.errors import InputError
from dissection.regression.discoveries import discoveries
from dissection.regression.fit import fit, fit_rows
from dissection.regression.folds import IntArray, query_clusters
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import answered
from dissection.regression.posterior import Posterior, posterior_of

PRIOR_SCALE = 1.0


@dataclass(frozen=True, eq=False)
class Basis:
    """One judge's fit on some groups of pairs together.

    Attributes:
        judge: its name.
        groups: names of the scenarios or conditions; empty: all pairs.
        members: (pairs,) which pairs are in any of the groups.
        queries: (pairs,) the query of every pair, counted from 0; see `query_clusters`.
        posterior: of the judge on those.
    """

    judge: str
    groups: tuple[str, ...]
    members: BoolArray
    queries: IntArray
    posterior: Posterior

    @property
    def where(self) -> str:
        """The judge and the groups in words."""
        return f"{self.judge}, {', '.join(group_label(name) for name in self.groups) or 'all pairs'}"


def basis(dataset: PairDataset, judge: str, groups: Sequence[str] = (), model: Model = STANDARD) -> Basis:
    """Fit a judge on the pairs that are in any of the groups.

    Args:
        dataset: with pairs.
        judge: its name.
        groups: names of scenarios or conditions; none: all pairs.
        model: with an intercept or without; its prior scale is not used, nor are pooling and folds.

    Raises:
        UnknownNameError: a judge or group that there is not.
        InputError: there are no pairs, no properties, or no verdicts of the judge on these pairs; or the fit did not settle.
    """
    column = dataset.judge_index(judge)
    chosen = tuple(dict.fromkeys(groups))
    found = [dataset.group(name) for name in chosen]
    if not dataset.has_pairs:
        raise InputError(
            "These weights came without their pairs, so nothing says how often answers have which property.",
            where=dataset.name,
            accepted="pairs with verdicts",
            remedy="open pairs to predict win rates; likes and exposure need none",
        )
    if not dataset.properties:
        raise InputError(
            "The data has no properties.", where=dataset.name, accepted="pairs with properties, or with texts to compute them from"
        )
    members = np.any([dataset.members(group) for group in found], axis=0) if found else np.ones(len(dataset), dtype=bool)
    rows = np.flatnonzero(members & dataset.assessed)
    comparisons, verdicts = dataset.comparisons[rows], dataset.verdicts[rows][:, [column]]
    wide = replace(model, prior_scale=PRIOR_SCALE, pooled=False, folds=0)
    known = answered(verdicts[:, 0])
    batch = fit_rows(comparisons[known], verdicts[known], wide)
    together = found[0] if len(found) == 1 else Group(", ".join(chosen) or "All pairs", "all")
    posterior = posterior_of(dataset, together, column, comparisons[known], batch, 0, wide)
    made = Basis(judge, chosen, members, query_clusters(dataset), posterior)
    if posterior.status != "fitted":
        raise InputError(
            f"There is no fit to predict from: {posterior.status}.",
            where=made.where,
            accepted="a judge with verdicts on pairs whose properties are all assessed",
            remedy="choose other pairs or another judge",
        )
    return made


def told_apart(posterior: Posterior) -> BoolArray:
    """(properties,) which the judge is not indifferent to, at a false discovery rate of 5 % over all of them; False for point estimates."""
    return discoveries(pd.DataFrame({"direction": posterior.direction, "status": posterior.status}))


def published_posteriors(dataset: PairDataset, judge: str, groups: Sequence[str] = ()) -> list[Posterior]:
    """The point estimates of a judge, of published weights, in these groups (none: all scenarios).

    Raises:
        UnknownNameError: a judge or group that there is not.
    """
    return fit(dataset, judges=[judge], groups=list(groups) or [group.name for group in dataset.scenarios])
