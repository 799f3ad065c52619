"""The doctor: what is odd in a dataset, each finding with its count, examples and what to do about it."""

from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from dissection.dataset import PairDataset
from dissection.doctor import groups, properties, sides, texts, verdicts
from dissection.doctor.finding import SEVERITIES, Example, Finding, findings_frame
from dissection.doctor.view import View

__all__ = ["CHECKS", "Example", "Finding", "examine", "findings_frame"]

CHECKS: Sequence[Callable[[View], Finding | None]] = (
    *texts.CHECKS,
    *verdicts.CHECKS,
    *sides.CHECKS,
    *properties.CHECKS,
    *groups.CHECKS,
)

# A dataset never changes, and pages ask again at every click. Weak, so that nobody's data is kept after its session.
_EXAMINED: WeakKeyDictionary[PairDataset, tuple[Finding, ...]] = WeakKeyDictionary()


def examine(dataset: PairDataset) -> list[Finding]:
    """Everything that was noticed, problems first; nothing for published weights, whose pairs are not there."""
    if not dataset.has_pairs:
        return []
    if dataset not in _EXAMINED:
        view = View(dataset)
        found = [finding for check in CHECKS if (finding := check(view)) is not None]
        _EXAMINED[dataset] = tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
    return list(_EXAMINED[dataset])
