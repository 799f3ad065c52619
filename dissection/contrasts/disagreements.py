"""The pairs that make two judges differ, each with the property that explains most of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from dissection.agreement import VERDICT_WORDS, classes
from dissection.contrasts.sides import check_pairs
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.regression.fit import fit
from dissection.regression.model import STANDARD, Model
from dissection.regression.posterior import Posterior


@dataclass(frozen=True)
class Disagreement:
    """A pair on which two judges differ.

    Attributes:
        pair_id, scenario, query, response_a, response_b: of the pair; texts are None where there are none.
        judge_a, judge_b: names of the judges.
        verdict_a, verdict_b: of the two judges: "A", "tie" or "B".
        property: that speaks most for the disagreement; None where no property does.
        contribution: its (α_a - α_b)·φ in the direction of the disagreement, in log-odds; 0 where there is no property.
        explained: the sum over all properties, in log-odds; negative where the weights would have the judges differ the other way.
    """

    pair_id: str
    scenario: str
    query: str | None
    response_a: str | None
    response_b: str | None
    judge_a: str
    judge_b: str
    verdict_a: str
    verdict_b: str
    property: str | None
    contribution: float
    explained: float


def disagreements(dataset: PairDataset, judge_a: str, judge_b: str, group: str, model: Model = STANDARD) -> list[Disagreement]:
    """The pairs of a group on which two judges gave different verdicts, explained by their posterior means in that group.

    A pair that was asked in both orders counts as the mean, so a tie where they contradict each other. Pairs with a property that was
    not assessed are listed too; that property explains nothing.

    Returns:
        By property, the one with most pairs first and the unexplained last; within a property the largest contribution first. Write them
        with `json.dumps` of `asdict`, one a line, to have them labelled anew.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: published weights, one judge twice, a judge without a fit, or no pair that both have judged.
    """
    check_pairs(dataset)
    if judge_a == judge_b:
        raise InputError(f"Both judges are {judge_a!r}.", accepted="two judges that differ", remedy="choose another judge")
    columns = [dataset.judge_index(name) for name in (judge_a, judge_b)]
    verdicts = classes(dataset.labels[:, columns])
    both = dataset.members(dataset.group(group)) & (verdicts >= 0).all(axis=1)
    if not both.any():
        raise InputError(
            f"The judges {judge_a!r} and {judge_b!r} have no pair in common in {group!r}.",
            where=dataset.name,
            accepted="two judges of the same pairs",
            remedy="choose other judges or another scenario",
        )
    posteriors = fit(dataset, model, [judge_a, judge_b], [group])
    by_name = {posterior.judge: posterior for posterior in posteriors}
    change = _means(by_name[judge_a], dataset) - _means(by_name[judge_b], dataset)
    rows = np.flatnonzero(both & (verdicts[:, 0] != verdicts[:, 1]))
    # Classes count from A, so the judge with the smaller one leans more to A.
    leaning = np.sign(verdicts[rows, 1] - verdicts[rows, 0])
    parts = np.nan_to_num(dataset.comparisons[rows] * change) * leaning[:, None]
    found = [_record(dataset, int(row), (judge_a, judge_b), verdicts[row], part) for row, part in zip(rows, parts, strict=True)]
    return _sorted(found)


def disagreement_groups(found: Sequence[Disagreement]) -> pd.DataFrame:
    """How many disagreements each property explains best.

    Returns:
        One row a property, in the order of `found`: `property` (None: no property does), `pairs`, `share` (of all disagreements),
        `contribution` (mean, in log-odds).
    """
    frame = pd.DataFrame({"property": [one.property for one in found], "contribution": [one.contribution for one in found]}, dtype=object)
    if frame.empty:
        return pd.DataFrame(columns=["property", "pairs", "share", "contribution"])
    grouped = frame.astype({"contribution": float}).groupby("property", sort=False, dropna=False)["contribution"].agg(["size", "mean"])
    table = grouped.rename(columns={"size": "pairs", "mean": "contribution"}).reset_index()
    table["property"] = table["property"].astype(object).where(table["property"].notna(), None)
    table.insert(2, "share", table["pairs"] / len(found))
    return table


def records(found: Sequence[Disagreement]) -> list[dict[str, object]]:
    """As dictionaries, for JSON Lines."""
    return [asdict(one) for one in found]


def _means(posterior: Posterior, dataset: PairDataset) -> FloatArray:
    if not posterior.converged:
        raise InputError(
            f"The judge {posterior.judge!r} has no fit in {posterior.group.name!r} ({posterior.status}).",
            where=dataset.name,
            accepted="judges with a fit there",
            remedy="choose another judge or another scenario",
        )
    return posterior.mean


def _record(dataset: PairDataset, row: int, judges: tuple[str, str], verdicts: np.ndarray, parts: FloatArray) -> Disagreement:
    largest = int(np.argmax(parts)) if len(parts) else 0
    speaks = bool(len(parts)) and parts[largest] > 0
    query, response_a, response_b = (dataset.text(row, column) for column in ("query", "response_a", "response_b"))
    return Disagreement(
        pair_id=str(dataset.pairs.index[row]),
        scenario=str(dataset.pairs["scenario"].iloc[row]),
        query=query,
        response_a=response_a,
        response_b=response_b,
        judge_a=judges[0],
        judge_b=judges[1],
        verdict_a=VERDICT_WORDS[verdicts[0]],
        verdict_b=VERDICT_WORDS[verdicts[1]],
        property=dataset.property_names[largest] if speaks else None,
        contribution=float(parts[largest]) if speaks else 0.0,
        explained=float(parts.sum()),
    )


def _sorted(found: Sequence[Disagreement]) -> list[Disagreement]:
    count: dict[str | None, int] = {}
    for one in found:
        count[one.property] = count.get(one.property, 0) + 1
    return sorted(found, key=lambda one: (one.property is None, -count[one.property], one.property or "", -one.contribution))
