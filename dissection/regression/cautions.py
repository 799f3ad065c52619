"""What a reader of posteriors should know before believing them: few pairs, one-sided or perfectly foretold verdicts, idle properties."""

from collections.abc import Callable, Sequence

import numpy as np

from dissection.dataset import PairDataset
from dissection.regression.posterior import Posterior
from dissection.wording import count

NAMED = 3


def cautions(dataset: PairDataset, posteriors: Sequence[Posterior]) -> list[str]:
    """Sentences about the cells that have numbers, each naming the first of the cells that it is about.

    Args:
        dataset: that was fitted; published weights have no cautions, as their pairs are not there.
        posteriors: of the cells in view.
    """
    fitted = [posterior for posterior in posteriors if posterior.status == "fitted"]
    if not dataset.has_pairs or not fitted:
        return []
    d = len(dataset.properties)
    found = [
        _about(
            [p for p in fitted if p.n < d],
            lambda p: f"{p.judge} in {p.group.label} ({count(p.n, 'pair')})",
            f"fewer pairs than the {d} properties, so most of what is shown is the prior",
        ),
        _about(
            [p for p in fitted if _one_sided(dataset, p)],
            lambda p: f"{p.judge} in {p.group.label} (n = {p.n:,})",
            "every verdict is the same, so weights only say on which properties that side has more",
        ),
        _about(
            [p for p in fitted if not _one_sided(dataset, p) and _foretold(dataset, p)],
            lambda p: f"{p.judge} in {p.group.label} (n = {p.n:,})",
            "the properties foretell every verdict, so the size of the weights is set by the prior, not by the data",
        ),
        _idle(fitted),
    ]
    return [sentence for sentence in found if sentence]


def _about(cells: Sequence[Posterior], name: Callable[[Posterior], str], what: str) -> str:
    if not cells:
        return ""
    names = "; ".join(name(cell) for cell in cells[:NAMED]) + (f" and {len(cells) - NAMED} more" if len(cells) > NAMED else "")
    return f"{names}: {what}."


def _idle(fitted: Sequence[Posterior]) -> str:
    """Properties that never differ where they are fitted."""
    first: dict[str, list[str]] = {}
    for posterior in fitted:
        for place in np.flatnonzero(posterior.differs == 0):
            names = first.setdefault(posterior.group.label, [])
            if posterior.properties[place] not in names:
                names.append(posterior.properties[place])
    if not first:
        return ""
    parts = [f"{', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''} in {group}" for group, names in list(first.items())[:NAMED]]
    more = f" and in {len(first) - NAMED} more groups" if len(first) > NAMED else ""
    return f"{'; '.join(parts)}{more}: the answers never differ in it (for some judge), so what is shown is the prior."


def _rows(dataset: PairDataset, posterior: Posterior) -> tuple[np.ndarray, np.ndarray]:
    """(n × d) comparisons and (n × 2) verdicts that the cell used."""
    verdicts = dataset.verdicts[:, dataset.judge_index(posterior.judge)]
    used = dataset.members(posterior.group) & dataset.assessed & ~np.isnan(verdicts).all(axis=1)
    return dataset.comparisons[used], verdicts[used]


def _one_sided(dataset: PairDataset, posterior: Posterior) -> bool:
    values = _rows(dataset, posterior)[1]
    known = values[~np.isnan(values)]
    return len(known) > 1 and bool((known == known[0]).all()) and known[0] != 0.5


def _foretold(dataset: PairDataset, posterior: Posterior) -> bool:
    comparisons, verdicts = _rows(dataset, posterior)
    bias = posterior.position_bias.mean if posterior.position_bias else 0.0
    predicted = (comparisons @ posterior.mean)[:, None] + bias * np.array([1.0, -1.0])
    sides = np.where(np.isnan(verdicts), 0.0, np.sign(verdicts - 0.5))
    return bool((sides != 0).sum() > 1 and (sides * predicted >= 0).all() and (sides * predicted > 0).any())
