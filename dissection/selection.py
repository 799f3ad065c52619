"""Which pairs to read: search and filters, and the order in which they carry a judge's weight."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dissection.agreement import classes
from dissection.dataset import TEXT_COLUMNS, Group, PairDataset
from dissection.regression.posterior import Posterior

VERDICTS = ("any", "A", "tie", "B", "none")
SIGNS = ("any", "differs", "A has more", "B has more", "no difference")


@dataclass(frozen=True)
class Filter:
    """What pairs must fulfil; each default lets every pair through.

    Attributes:
        text: words that the query or an answer holds, in any case.
        group: a scenario or condition.
        judge, verdict: this judge's verdict is this one of `VERDICTS`.
        other: this judge's verdict differs from `judge`'s (A, tie or B; both must have one).
        property_name, sign: the comparison on this property is this one of `SIGNS`.
    """

    text: str = ""
    group: Group | None = None
    judge: str | None = None
    verdict: str = "any"
    other: str | None = None
    property_name: str | None = None
    sign: str = "any"


def select(dataset: PairDataset, wanted: Filter) -> NDArray[np.intp]:
    """Rows of the pairs that fulfil the filter, in the order of the dataset.

    Raises:
        UnknownNameError: a judge that is not in the dataset.
    """
    keep = np.ones(len(dataset), dtype=bool)
    if wanted.group:
        keep &= dataset.members(wanted.group)
    if wanted.text.strip():
        sought = wanted.text.strip().casefold()
        found = np.zeros(len(dataset), dtype=bool)
        for column in TEXT_COLUMNS:
            found |= np.fromiter((text is not None and sought in text.casefold() for text in dataset.texts(column)), bool, len(dataset))
        keep &= found
    if wanted.judge:
        verdict = classes(dataset.labels[:, dataset.judge_index(wanted.judge)])
        if wanted.verdict != "any":
            keep &= verdict == {"A": 0, "tie": 1, "B": 2, "none": -1}[wanted.verdict]
        if wanted.other:
            against = classes(dataset.labels[:, dataset.judge_index(wanted.other)])
            keep &= (verdict >= 0) & (against >= 0) & (verdict != against)
    if wanted.property_name in dataset.property_names and wanted.sign != "any":
        comparison = dataset.comparisons[:, dataset.property_names.index(wanted.property_name)]
        test = {"differs": comparison != 0, "A has more": comparison > 0, "B has more": comparison < 0, "no difference": comparison == 0}
        keep &= test[wanted.sign] & ~np.isnan(comparison)
    return np.flatnonzero(keep)


def by_weight(dataset: PairDataset, rows: NDArray[np.intp], posterior: Posterior, property_name: str) -> NDArray[np.intp]:
    """The rows, those first in which the property's |α_i φ_i| is the largest share of all properties' for this judge."""
    parts = np.abs(np.nan_to_num(dataset.comparisons[rows] * posterior.mean))
    total = parts.sum(axis=1)
    share = np.divide(parts[:, dataset.property_names.index(property_name)], total, out=np.zeros(len(rows)), where=total > 0)
    return rows[np.argsort(-share, kind="stable")]
