"""Held-out scores: how well a judge's fitted tastes foretell verdicts that the fit has not seen, beside simple baselines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.regression.folds import IntArray, assign_folds, query_clusters
from dissection.regression.held_out import HeldOut, held_out, length_comparisons, majority
from dissection.regression.metrics import Metric, cluster_mean, hits, log_losses, measure
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import usable
from dissection.wording import count

Status = Literal["scored", "too few", "no verdicts", "not converged", "no properties", "no pairs"]
PREDICTORS = ("explanation", "majority", "length alone", "position alone", "ceiling")
MIN_PAIRS = 20  # below that a standard error of accuracy is above 0.1 and the folds' fits are mostly prior
FEW_CLUSTERS = 20  # below that cluster-robust errors come out too small (Cameron & Miller 2015, doi:10.3368/jhr.50.2.317)
CLEAR = 2.0  # standard errors by which the explanation must be better to count as beating length
NOT_SCORED = "the judge is not scored"


@dataclass(frozen=True, eq=False)
class Score:
    """One judge in one group.

    Attributes:
        n: pairs with a verdict and all properties assessed; those are what fits use too.
        clusters: queries that the pairs belong to, see `folds.query_clusters`.
        folds: folds that hold a pair of this judge.
        status: "scored", or why there are no numbers; then `reason` says it in words.
        metrics: predictor → its measures, one for each of `PREDICTORS`. "explanation": all properties. "majority": the share of A in the
            other folds. "length alone": the same model with length as its only property. "position alone": the same model without a
            property. "ceiling": how often the judge's own verdicts in the two orders agree, as accuracy; a predictor that knows the order
            can do better where the judge follows the order.
        difference: log loss of length alone less that of the explanation, in nats a pair; None where length alone is not available.
        difference_se: its paired standard error.
        beats_length: whether the difference is more than `CLEAR` of these; None where there is no difference.
        predictions: one row a verdict: `pair` (row of the dataset), `order` (0: A shown first), `cluster`, `fold`, `y`, `weight`, and the
            held-out P(A preferred) of each predictor that has one; empty where not scored.
        note: what weakens the numbers; empty where nothing does.
    """

    judge: str
    group: Group
    n: int
    clusters: int
    folds: int
    status: Status
    reason: str
    metrics: Mapping[str, Metric]
    difference: float | None = None
    difference_se: float | None = None
    beats_length: bool | None = None
    predictions: pd.DataFrame = field(default_factory=pd.DataFrame)
    note: str = ""


class _Cells(NamedTuple):
    """What the judges of one group share."""

    rows: IntArray  # (n,) of the dataset
    clusters: IntArray  # (n,)
    fold: IntArray  # (n,)
    verdicts: FloatArray  # (n × J × 2)
    found: dict[str, HeldOut]  # predictors that can be computed
    missing: dict[str, str]  # the others, and why


def scored_model(model: Model) -> Model:
    """The model that scores are of: each group fitted on its own, once in each fold.

    Scenarios that share what they have in common can't be held out one by one, so “pooled” is scored as “standard” with the same prior;
    the paper's mean of ten fits is scored as one fit, as each fold leaves pairs out already.
    """
    return replace(model, name=STANDARD.name if model.pooled else model.name, pooled=False, folds=0)


def score(
    dataset: PairDataset,
    model: Model = STANDARD,
    judges: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> list[Score]:
    """Cross-validated scores of each judge in each group, groups outermost. The folds are made of whole queries.

    Args:
        dataset: pairs with verdicts; published weights get the status "no pairs".
        model: see `model.py`; what is scored is `scored_model` of it.
        judges: names; None: all.
        groups: names; None: all scenarios and conditions.
        folds: at least 2.
        seed: of the folds.

    Raises:
        UnknownNameError: a judge or group that is not in the dataset.
        InputError: fewer than 2 folds.
    """
    if folds < 2:
        raise InputError(f"{folds} folds leave nothing to fit on or to predict.", accepted="2 or more", remedy="use 5 folds")
    indices = [dataset.judge_index(name) for name in judges] if judges is not None else list(range(len(dataset.judges)))
    chosen = [dataset.group(name) for name in groups] if groups is not None else list(dataset.groups)
    if not dataset.has_pairs:
        reason = "these are published weights; the pairs that they came from are not here, so nothing can be held out"
        return [_refused(dataset.judge_names[judge], group, 0, 0, 0, "no pairs", reason) for group in chosen for judge in indices]
    clusters, length, model = query_clusters(dataset), length_comparisons(dataset), scored_model(model)
    return [cell for group in chosen for cell in _score_group(dataset, group, indices, model, folds, seed, clusters, length)]


def _refused(judge: str, group: Group, n: int, clusters: int, folds: int, status: Status, reason: str) -> Score:
    return Score(judge, group, n, clusters, folds, status, reason, {name: Metric(n, note=reason) for name in PREDICTORS})


def _score_group(
    dataset: PairDataset,
    group: Group,
    judges: list[int],
    model: Model,
    folds: int,
    seed: int,
    clusters: IntArray,
    length: FloatArray | None,
) -> list[Score]:
    rows = np.flatnonzero(dataset.members(group) & dataset.assessed)
    comparisons, verdicts = usable(dataset, group, judges)
    fold = assign_folds(clusters[rows], folds, seed)
    cells = _Cells(rows, clusters[rows], fold, verdicts, {}, {})
    refusals = [_refusal(dataset, group, judge, cells, place, folds) for place, judge in enumerate(judges)]
    if not all(refusals):
        _predict(cells, comparisons, length[rows] if length is not None else None, model)
    return [
        refusal or _cell(dataset.judge_names[judge], group, cells, place)
        for place, (judge, refusal) in enumerate(zip(judges, refusals, strict=True))
    ]


def _refusal(dataset: PairDataset, group: Group, judge: int, cells: _Cells, place: int, folds: int) -> Score | None:
    """The cell that can't be scored, with the reason; None where it can."""
    answered = ~np.isnan(cells.verdicts[:, place]).all(axis=1)
    n, clusters, used = int(answered.sum()), len(np.unique(cells.clusters[answered])), len(np.unique(cells.fold[answered]))
    status: Status = "too few"
    if not dataset.properties:
        status, reason = "no properties", "the data has no property to explain verdicts by"
    elif n == 0:
        status, reason = "no verdicts", "the judge has no verdict on these pairs"
    elif n < MIN_PAIRS:
        reason = f"{count(n, 'pair')}; below {MIN_PAIRS} a score would be mostly chance"
    elif clusters < folds:
        reason = f"the {n} pairs share {count(clusters, 'query', 'queries')}, fewer than the {folds} folds, and a query is never split"
    elif used < 2:
        reason = f"all {n} pairs fell into one fold, so nothing is left to fit on"
    else:
        return None
    return _refused(dataset.judge_names[judge], group, n, clusters, used, status, reason)


def _predict(cells: _Cells, comparisons: FloatArray, length: FloatArray | None, model: Model) -> None:
    """Fill in `found` and `missing`: one batch of fits a fold for each of three models."""
    n = len(cells.rows)
    cells.found["explanation"] = held_out(comparisons, cells.verdicts, cells.fold, model)
    cells.found["majority"] = HeldOut(majority(cells.verdicts, cells.fold), np.ones(cells.verdicts.shape[1], dtype=bool))
    if length is None:
        cells.missing["length alone"] = "no property is named for length, and there are no texts to count words in"
    elif np.isnan(length).any():
        cells.missing["length alone"] = f"{np.isnan(length).sum()} of {n} pairs have no text to count words in"
    else:
        cells.found["length alone"] = held_out(length[:, None], cells.verdicts, cells.fold, model)
    if model.intercept_sd is None:
        cells.missing["position alone"] = f"the model “{model.name}” has no position bias"
    else:
        cells.found["position alone"] = held_out(np.empty((n, 0)), cells.verdicts, cells.fold, model)


def _cell(judge: str, group: Group, cells: _Cells, place: int) -> Score:
    verdicts = cells.verdicts[:, place]
    pair, order = np.nonzero(~np.isnan(verdicts))
    n, clusters = len(np.unique(pair)), len(np.unique(cells.clusters[pair]))
    used = len(np.unique(cells.fold[pair]))
    if not cells.found["explanation"].converged[place]:
        return _refused(judge, group, n, clusters, used, "not converged", "the fit of at least one fold did not converge")
    frame = pd.DataFrame(
        {
            "pair": cells.rows[pair],
            "order": order,
            "cluster": cells.clusters[pair],
            "fold": cells.fold[pair],
            "y": verdicts[pair, order],
            "weight": 1 / (~np.isnan(verdicts)).sum(axis=1)[pair],
        }
    )
    missing = dict(cells.missing)
    if len(np.unique(order)) < 2:
        missing.setdefault("position alone", "shown in one order only")
    metrics = {}
    for name in PREDICTORS[:-1]:
        if name not in missing and not cells.found[name].converged[place]:
            missing[name] = "the fit of at least one fold did not converge"
        if name in missing:
            metrics[name] = Metric(n, note=missing[name])
        else:
            frame[name] = cells.found[name].probability[pair, place, order]
            metrics[name] = measure(*(frame[column].to_numpy() for column in (name, "y", "weight", "cluster")))
    metrics["ceiling"] = _ceiling(verdicts, cells.clusters)
    note = f"only {clusters} queries, so standard errors are probably too small" if clusters < FEW_CLUSTERS else ""
    return Score(judge, group, n, clusters, used, "scored", "", metrics, *_against_length(frame), frame, note)


def _ceiling(verdicts: FloatArray, clusters: IntArray) -> Metric:
    """How often the verdicts of the two orders (n × 2) agree; a tie agrees half, as in `metrics.hits`."""
    both = ~np.isnan(verdicts).any(axis=1)
    n = int(both.sum())
    if n == 0:
        return Metric(0, note="no pair was asked in both orders")
    agreement, error = cluster_mean(hits(verdicts[both, 0], verdicts[both, 1]), np.ones(n), clusters[both])
    note = "agreement of two verdicts has no log loss or Brier score"
    if error is None:
        note += "; no standard error: all pairs have the same value"
    return Metric(n, accuracy=agreement, accuracy_se=error, note=note)


def _against_length(frame: pd.DataFrame) -> tuple[float | None, float | None, bool | None]:
    """Paired difference in log loss, its standard error, and whether it is clear."""
    if "length alone" not in frame:
        return None, None, None
    y, weight, cluster = (frame[column].to_numpy() for column in ("y", "weight", "cluster"))
    gain = log_losses(frame["length alone"].to_numpy(), y) - log_losses(frame["explanation"].to_numpy(), y)
    difference, error = cluster_mean(gain, weight, cluster)
    return difference, error, error is not None and difference > CLEAR * error


def scores_frame(scores: Sequence[Score]) -> pd.DataFrame:
    """One row a judge × group × predictor.

    Returns:
        `judge`, `group`, `predictor`, `n`, the measures of `Metric` with their standard errors (NaN where there is none), `note`,
        `beats_length` (of the explanation; None in other rows and where unknown), `difference` and `difference_se` (likewise), `clusters`
        and `status`.
    """
    rows = []
    for cell in scores:
        for name, metric in cell.metrics.items():
            of_cell = name == "explanation"
            notes = [text for text in (metric.note, cell.note if cell.status == "scored" else "") if text]
            rows.append(
                {"judge": cell.judge, "group": cell.group.name, "predictor": name}
                | asdict(metric)
                | {
                    "note": "; ".join(notes),
                    "beats_length": cell.beats_length if of_cell else None,
                    "difference": cell.difference if of_cell else None,
                    "difference_se": cell.difference_se if of_cell else None,
                    "clusters": cell.clusters,
                    "status": cell.status,
                }
            )
    columns = [
        "judge",
        "group",
        "predictor",
        *Metric.__dataclass_fields__,
        "beats_length",
        "difference",
        "difference_se",
        "clusters",
        "status",
    ]
    numbers = [name for name in columns if name.startswith(("log_loss", "accuracy", "brier", "difference"))]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float) | {"beats_length": object})
